// The picture of a sound: its wave while it is spoken, then its spectrogram as the model gets it, with the attention of
// the chosen word over it.

import { readRamp } from '../color-ramp.ts';
import { context2d, create } from '../elements.ts';
import type { Look } from './recognizer.ts';

export interface Wave {
  readonly samples: Float32Array;
  readonly samplingRate: number;
  /** Seconds across the picture. */
  readonly seconds: number;
}

/** Heights of the time axis and of the curve, in CSS pixels. */
const axisHeight = 20;
const curveHeight = 64;
/** The least peak that waves are drawn up to. */
const quietest = 0.05;
/** How much of the spectrogram the greatest weight covers. */
const strongest = 0.75;

export class SoundPicture {
  readonly #canvas: HTMLCanvasElement;
  #wave: Wave | undefined;
  #look: Look | undefined;
  #spectrogram: HTMLCanvasElement | undefined;
  #word = 0;

  /** `onTime` gets the seconds at which somebody points. */
  constructor(canvas: HTMLCanvasElement, onTime: (seconds: number) => void) {
    this.#canvas = canvas;
    canvas.addEventListener('pointerdown', ({ clientX }) => {
      const box = canvas.getBoundingClientRect();
      if (this.#look) onTime(((clientX - box.left) / box.width) * this.#look.seconds);
    });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#spectrogram = undefined;
      this.#draw();
    });
  }

  showWave(wave: Wave): void {
    this.#look = undefined;
    this.#wave = wave;
    this.#draw();
  }

  showLook(look: Look, word: number): void {
    if (look !== this.#look) this.#spectrogram = undefined;
    this.#look = look;
    this.#word = word;
    this.#draw();
  }

  clear(): void {
    this.#look = undefined;
    this.#wave = undefined;
    this.#draw();
  }

  #draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0) return;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    this.#canvas.classList.toggle('seen', this.#look !== undefined);
    const context = context2d(this.#canvas);
    context.scale(devicePixelRatio, devicePixelRatio);
    if (this.#look !== undefined) this.#drawLook(context, this.#look, width, height);
    else if (this.#wave !== undefined) this.#drawWave(context, this.#wave, width, height);
  }

  #color(name: string): string {
    return getComputedStyle(this.#canvas).getPropertyValue(name);
  }

  #drawWave(
    context: CanvasRenderingContext2D,
    { samples, samplingRate, seconds }: Wave,
    width: number,
    height: number,
  ): void {
    const middle = (height - axisHeight) / 2;
    const inPixel = (seconds * samplingRate) / width;
    const loudest = Math.max(quietest, peakOf(samples));
    context.fillStyle = this.#color('--ramp-3');
    for (let x = 0; x * inPixel < samples.length; x++) {
      const part = samples.subarray(Math.floor(x * inPixel), Math.floor((x + 1) * inPixel) + 1);
      const half = Math.max(0.5, (peakOf(part) / loudest) * middle);
      context.fillRect(x, middle - half, 1, 2 * half);
    }
    this.#drawAxis(context, seconds, width, height);
  }

  #drawLook(context: CanvasRenderingContext2D, look: Look, width: number, height: number): void {
    this.#spectrogram ??= spectrogramOf(look);
    const floor = height - axisHeight;
    const top = floor - curveHeight;
    context.drawImage(this.#spectrogram, 0, 0, width, top);
    const word = look.words[this.#word];
    if (word !== undefined) {
      const { weights, timestamp } = word;
      const most = weights.reduce((a, b) => Math.max(a, b), 0);
      const step = width / weights.length;
      context.fillStyle = this.#color('--heat');
      for (const [i, weight] of weights.entries()) {
        const part = most > 0 ? weight / most : 0;
        context.globalAlpha = strongest * part;
        context.fillRect(i * step, 0, step, top);
        context.globalAlpha = 1;
        const high = part * (curveHeight - 8);
        context.fillRect(i * step, floor - high, Math.max(step, 0.5), high);
      }
      const [start, end] = timestamp;
      context.fillStyle = this.#color('--accent');
      for (const time of [start, end]) {
        if (time === null) continue;
        const x = Math.min((time / look.seconds) * width, width - 1);
        context.fillRect(Math.max(0, x - 0.75), 0, 1.5, floor);
      }
    }
    this.#drawAxis(context, look.seconds, width, height);
  }

  #drawAxis(
    context: CanvasRenderingContext2D,
    seconds: number,
    width: number,
    height: number,
  ): void {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10];
    const step = steps.find((one) => (one / seconds) * width >= 48) ?? 10;
    context.fillStyle = this.#color('--muted');
    context.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
    context.textBaseline = 'bottom';
    for (let i = 0; i * step < seconds; i++) {
      const x = ((i * step) / seconds) * width;
      context.fillRect(x, height - axisHeight, 1, 4);
      const label = `${Number((i * step).toFixed(1))} s`;
      if (x + 4 + context.measureText(label).width < width) context.fillText(label, x + 4, height);
    }
  }
}

function peakOf(samples: Float32Array): number {
  return samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** A pixel for each band, low ones at the bottom, and frame of the sound. */
function spectrogramOf({ features: { data, shape }, frames }: Look): HTMLCanvasElement {
  const [, bands = 0, total = 0] = shape;
  const canvas = create('canvas', { width: Math.max(frames, 1), height: bands });
  const context = context2d(canvas);
  const colors = readRamp().map((color) => color.match(/\d+/g)?.map(Number) ?? []);
  const own = Array.from({ length: bands }, (_, band) =>
    data.subarray(band * total, band * total + frames),
  );
  const least = own.reduce((all, row) => row.reduce((a, b) => Math.min(a, b), all), Infinity);
  const most = own.reduce((all, row) => row.reduce((a, b) => Math.max(a, b), all), -Infinity);
  const image = context.createImageData(canvas.width, canvas.height);
  for (const [band, row] of own.entries()) {
    for (const [frame, value] of row.entries()) {
      const part = most > least ? (value - least) / (most - least) : 0;
      const [red = 0, green = 0, blue = 0] = colors[Math.round(part * (colors.length - 1))] ?? [];
      image.data.set([red, green, blue, 255], 4 * ((bands - 1 - band) * canvas.width + frame));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
