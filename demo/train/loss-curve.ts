// The loss over the steps, as it was and smoothed, drawn at most once a frame.

import './language.ts';
import uPlot from 'uplot';

/** Weight of the past in the smoothed loss. */
const memory = 0.9;
const font = '12px system-ui, sans-serif';
/** Steps and losses the axes show at least. */
const least = { steps: 20, loss: 1 };

export class LossCurve {
  readonly #frame: HTMLElement;
  readonly #unit: string;
  #steps: number[] = [];
  #losses: number[] = [];
  #smoothed: number[] = [];
  #leastLoss = 0;
  #average = 0;
  #plot: uPlot;
  #isDue = false;

  /** `unit` is what the loss is the mean over: a token, say. */
  constructor(frame: HTMLElement, unit: string) {
    this.#frame = frame;
    this.#unit = unit;
    this.#plot = this.#create();
    // Colors come from the style sheet: another scheme, another plot.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.destroy();
      this.#plot = this.#create();
    });
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(frame);
  }

  /** Begins anew. `leastLoss` is drawn as a line that the loss cannot fall below. */
  clear(leastLoss: number): void {
    this.#steps = [];
    this.#losses = [];
    this.#smoothed = [];
    this.#average = 0;
    this.#leastLoss = leastLoss;
    this.#draw();
  }

  /** Appends a step. Resolves to the smoothed loss. */
  add(step: number, loss: number): number {
    const count = this.#steps.length + 1;
    // A loss that is not finite leaves a gap.
    if (Number.isFinite(loss)) this.#average = memory * this.#average + (1 - memory) * loss;
    const smoothed = this.#average / (1 - memory ** count);
    this.#steps.push(step);
    this.#losses.push(loss);
    this.#smoothed.push(smoothed);
    this.#draw();
    return smoothed;
  }

  /** Says in words what the curve shows. */
  describe(): void {
    const [first, last] = [this.#smoothed[0], this.#smoothed.at(-1)];
    const canvas = this.#frame.querySelector('canvas');
    if (canvas === null) return;
    canvas.role = 'img';
    canvas.ariaLabel =
      first === undefined || last === undefined
        ? 'Loss over steps: none yet'
        : `Loss over ${this.#steps.length} steps: from ${first.toFixed(2)} to ${last.toFixed(2)}`;
  }

  #draw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#plot.setData(this.#data());
    });
  }

  #data(): uPlot.AlignedData {
    const floor = this.#steps.map(() => this.#leastLoss);
    return [this.#steps, this.#losses, this.#smoothed, floor];
  }

  #size(): { width: number; height: number } {
    const width = Math.max(this.#frame.clientWidth, 200);
    return { width, height: Math.round(Math.min(340, Math.max(220, width * 0.4))) };
  }

  #create(): uPlot {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = (label: string): uPlot.Axis => ({
      label,
      font,
      labelFont: font,
      labelSize: 22,
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { stroke: color('--line'), width: 1 },
    });
    const value: uPlot.Series['value'] = (_, loss: number | null) => loss?.toFixed(3) ?? '–';
    const series = (label: string, more: uPlot.Series): uPlot.Series => ({
      label,
      value,
      points: { show: false },
      ...more,
    });
    const plot = new uPlot(
      {
        ...this.#size(),
        scales: {
          x: { time: false, range: (_, low, high) => [low || 0, Math.max(high || 0, least.steps)] },
          y: { range: (_, __, high) => [0, Math.max(high || 0, least.loss) * 1.05] },
        },
        axes: [axis('Step'), { ...axis(`Loss, nats per ${this.#unit}`), size: 46 }],
        cursor: { drag: { x: true, y: false } },
        series: [
          { label: 'Step', value: (_, step: number | null) => String(step ?? '–') },
          series('Loss', { stroke: color('--ramp-2'), width: 1 }),
          series('Smoothed', { stroke: color('--accent'), width: 2.5 }),
          series('Least possible', { stroke: color('--faint'), width: 1.5, dash: [6, 5] }),
        ],
      },
      this.#data(),
      this.#frame,
    );
    this.describe();
    return plot;
  }
}
