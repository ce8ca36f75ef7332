// Cross-attention of every layer and head: all of them small, the chosen one large and readable.

import { colorOf, readRamp } from './color-ramp.ts';
import { byId, context2d, create } from './elements.ts';
import { type Cell, HeatMap, visible, type Weights } from './heat-map.ts';

/** Cross-attention of one translation. `layers[l].data` is (1, heads, targets, sources). */
export interface CrossAttention {
  readonly layers: readonly { readonly data: Float32Array; readonly shape: readonly number[] }[];
  readonly source: readonly string[];
  readonly target: readonly string[];
}

interface Head {
  readonly layer: number;
  readonly head: number;
}

const hint = 'Point at a cell, or focus the map and use the arrow keys, to read its weight.';

export class AttentionView {
  readonly #section: HTMLElement = byId('attention', HTMLElement);
  readonly #overview: HTMLElement = byId('overview', HTMLElement);
  readonly #title: HTMLElement = byId('map-title', HTMLElement);
  readonly #canvas: HTMLCanvasElement = byId('map', HTMLCanvasElement);
  readonly #readout: HTMLElement = byId('readout', HTMLElement);
  readonly #tip: HTMLElement = byId('tip', HTMLElement);
  readonly #map: HeatMap;
  #attention: CrossAttention | undefined;
  #chosen: Head = { layer: 0, head: 0 };
  #ramp: readonly string[] = [];

  constructor() {
    this.#map = new HeatMap(this.#canvas, (cell) => this.#read(cell));
    this.#readout.textContent = hint;
    this.#useScheme();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#useScheme());
    const frame = this.#canvas.parentElement;
    if (frame !== null) new ResizeObserver(() => this.#map.resize()).observe(frame);
  }

  /** Draws the attention of a translation. The head chosen before stays chosen. */
  show(attention: CrossAttention): void {
    this.#attention = attention;
    this.#section.classList.add('drawn');
    this.#drawOverview(attention);
    this.choose(this.#chosen);
    this.setStale(false);
  }

  /** Dims the map while it belongs to an earlier translation. */
  setStale(isStale: boolean): void {
    this.#section.classList.toggle('stale', isStale);
    this.#section.ariaBusy = String(isStale);
  }

  /** Shows one head large. */
  choose(wanted: Head): void {
    const attention = this.#attention;
    if (attention === undefined) return;
    this.#chosen = wanted.layer < attention.layers.length ? wanted : { layer: 0, head: 0 };
    const name = nameOf(this.#chosen);
    this.#title.textContent = name;
    this.#canvas.ariaLabel = `Cross-attention weights of ${name}. Arrow keys move between cells.`;
    for (const button of this.#overview.querySelectorAll('button')) {
      button.ariaPressed = String(button.ariaLabel === name);
    }
    this.#map.show(weightsOf(attention, this.#chosen), this.#ramp);
  }

  #drawOverview(attention: CrossAttention): void {
    const focused = document.activeElement?.ariaLabel;
    const heads = headsOf(attention);
    this.#overview.style.setProperty('--heads', String(heads));
    this.#overview.style.setProperty('--layers', String(attention.layers.length));
    const buttons = attention.layers.flatMap((_, layer) =>
      Array.from({ length: heads }, (__, head) => this.#button(attention, { layer, head })),
    );
    this.#overview.replaceChildren(...buttons);
    buttons.find((button) => button.ariaLabel === focused)?.focus();
  }

  #button(attention: CrossAttention, head: Head): HTMLButtonElement {
    const canvas = create('canvas', { ariaHidden: 'true' });
    drawSmall(canvas, weightsOf(attention, head), this.#ramp);
    const caption = create('span', {}, `layer ${head.layer + 1} · head ${head.head + 1}`);
    const button = create('button', { type: 'button', ariaLabel: nameOf(head) }, canvas, caption);
    button.addEventListener('click', () => this.choose(head));
    return button;
  }

  #read(cell: Cell | undefined): void {
    this.#tip.hidden = cell === undefined;
    if (cell === undefined || this.#attention === undefined) {
      this.#readout.textContent = hint;
      return;
    }
    const { values, rows, columns } = weightsOf(this.#attention, this.#chosen);
    const weight = (values[cell.row * columns.length + cell.column] ?? 0).toFixed(3);
    const token = (text = ''): HTMLElement => create('b', {}, `«${visible(text)}»`);
    this.#readout.replaceChildren(
      'target ',
      token(rows[cell.row]),
      ' attends to source ',
      token(columns[cell.column]),
      ': ',
      create('b', { className: 'weight' }, weight),
    );
    this.#tip.textContent = weight;
    const { x, y, size } = this.#map.placeOf(cell);
    // Above the cell to the right, but left of it near the right edge.
    const isFarRight = x > this.#canvas.clientWidth - 90;
    this.#tip.style.left = `${isFarRight ? x - size - 44 : x + size + 6}px`;
    this.#tip.style.top = `${Math.max(y - size - 8, 0)}px`;
  }

  #useScheme(): void {
    this.#ramp = readRamp();
    const legend = byId('legend', HTMLCanvasElement);
    const context = context2d(legend);
    for (let x = 0; x < legend.width; x++) {
      context.fillStyle = colorOf(this.#ramp, x / (legend.width - 1));
      context.fillRect(x, 0, 1, legend.height);
    }
    if (this.#attention !== undefined) this.show(this.#attention);
  }
}

/** Draws a head with one pixel a cell; the style sheet stretches it. */
function drawSmall(canvas: HTMLCanvasElement, weights: Weights, ramp: readonly string[]): void {
  const { values, rows, columns } = weights;
  canvas.width = columns.length;
  canvas.height = rows.length;
  const context = context2d(canvas);
  for (const [i, weight] of values.entries()) {
    context.fillStyle = colorOf(ramp, weight);
    context.fillRect(i % columns.length, Math.floor(i / columns.length), 1, 1);
  }
}

function nameOf({ layer, head }: Head): string {
  return `Layer ${layer + 1}, head ${head + 1}`;
}

function headsOf({ layers }: CrossAttention): number {
  return layers[0]?.shape[1] ?? 0;
}

/** One head of (1, heads, T, S). */
function weightsOf({ layers, source, target }: CrossAttention, { layer, head }: Head): Weights {
  const size = target.length * source.length;
  const data = layers[layer]?.data ?? new Float32Array(0);
  return { values: data.subarray(head * size, (head + 1) * size), rows: target, columns: source };
}
