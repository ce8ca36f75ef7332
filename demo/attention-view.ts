// Attention of every layer and head: all of them small, the chosen one large and readable.

import type { Attention } from './attention.ts';
import { colorOf, readRamp } from './color-ramp.ts';
import { byId, context2d, create } from './elements.ts';
import { type Cell, HeatMap, visible, type Weights } from './heat-map.ts';

export interface Head {
  readonly layer: number;
  readonly head: number;
}

/** What the view says. Layers and heads are counted from 1 on. */
export interface AttentionWords {
  readonly hint: string;
  name(layer: number, head: number): string;
  caption(layer: number, head: number): string;
  axes(names: Attention['names']): string;
  label(map: string, name: string): string;
  /** What a cell says. The nodes are its tokens and its weight. */
  read(names: Attention['names'], row: Node, column: Node, weight: Node): (Node | string)[];
}

const english: AttentionWords = {
  hint: 'Point at a cell, or focus the map and use the arrow keys, to read its weight.',
  name: (layer, head) => `Layer ${layer}, head ${head}`,
  caption: (layer, head) => `layer ${layer} · head ${head}`,
  axes: ({ column, row }) => `${column} across, ${row} down`,
  label: (map, name) => `${map} weights of ${name}. Arrow keys move between cells.`,
  read: (names, row, column, weight) => [
    `${names.row} `,
    row,
    ` attends to ${names.column} `,
    column,
    ': ',
    weight,
  ],
};

/** What a page adds to the view. */
interface Additions {
  readonly words?: AttentionWords;
  /** What stands for a head among all of them, around its button. */
  readonly tile?: (head: Head, button: HTMLButtonElement) => HTMLElement;
  readonly onChoose?: (head: Head) => void;
}

export class AttentionView {
  readonly #section: HTMLElement = byId('attention', HTMLElement);
  readonly #overview: HTMLElement = byId('overview', HTMLElement);
  readonly #title: HTMLElement = byId('map-title', HTMLElement);
  readonly #axes: HTMLElement = byId('map-axes', HTMLElement);
  readonly #canvas: HTMLCanvasElement = byId('map', HTMLCanvasElement);
  readonly #readout: HTMLElement = byId('readout', HTMLElement);
  readonly #tip: HTMLElement = byId('tip', HTMLElement);
  readonly #map: HeatMap;
  #attention: Attention | undefined;
  #chosen: Head = { layer: 0, head: 0 };
  #buttons: readonly HTMLButtonElement[] = [];
  #ramp: readonly string[] = [];
  #words: AttentionWords;
  readonly #additions: Additions;

  constructor(additions: Additions = {}) {
    this.#additions = additions;
    this.#words = additions.words ?? english;
    this.#map = new HeatMap(this.#canvas, (cell) => this.#read(cell));
    this.#readout.textContent = this.#words.hint;
    this.#useScheme();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#useScheme());
    const frame = this.#canvas.parentElement;
    if (frame !== null) new ResizeObserver(() => this.#map.resize()).observe(frame);
  }

  /** Draws the attention of a translation. The head chosen before stays chosen. */
  show(attention: Attention): void {
    this.#attention = attention;
    this.#section.classList.add('drawn');
    this.#drawOverview(attention);
    this.choose(this.#chosen);
    this.setStale(false);
  }

  /** Says all in other words. */
  speak(words: AttentionWords): void {
    this.#words = words;
    this.#buttons = [];
    if (this.#attention === undefined) this.#read(undefined);
    else this.show(this.#attention);
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
    const isThere = wanted.layer < attention.layers.length && wanted.head < headsOf(attention);
    this.#chosen = isThere ? wanted : { layer: 0, head: 0 };
    const name = this.#nameOf(this.#chosen);
    this.#title.textContent = name;
    this.#axes.textContent = this.#words.axes(attention.names);
    this.#canvas.ariaLabel = this.#words.label(attention.names.map, name);
    for (const button of this.#buttons) {
      button.ariaPressed = String(button.ariaLabel === name);
    }
    this.#map.show(weightsOf(attention, this.#chosen), this.#ramp);
    this.#additions.onChoose?.(this.#chosen);
  }

  #nameOf({ layer, head }: Head): string {
    return this.#words.name(layer + 1, head + 1);
  }

  /** The buttons stay while the heads are the same, so that none is lost between press and release. */
  #drawOverview(attention: Attention): void {
    const heads = headsOf(attention);
    const all = attention.layers.flatMap((_, layer) =>
      Array.from({ length: heads }, (__, head) => ({ layer, head })),
    );
    const names = all.map((head) => this.#nameOf(head));
    if (names.join() !== this.#buttons.map(({ ariaLabel }) => ariaLabel).join()) {
      this.#overview.style.setProperty('--heads', String(heads));
      this.#overview.style.setProperty('--layers', String(attention.layers.length));
      this.#buttons = all.map((head) => this.#button(head));
      const tile = this.#additions.tile ?? ((_head, button): HTMLElement => button);
      const tiles = this.#buttons.map((button, i) => tile(all[i] ?? this.#chosen, button));
      this.#overview.replaceChildren(...tiles);
    }
    for (const [i, head] of all.entries()) {
      const canvas = this.#buttons[i]?.querySelector('canvas');
      if (canvas) drawSmall(canvas, weightsOf(attention, head), this.#ramp);
    }
  }

  #button(head: Head): HTMLButtonElement {
    const canvas = create('canvas', { ariaHidden: 'true' });
    const caption = create('span', {}, this.#words.caption(head.layer + 1, head.head + 1));
    const name = this.#nameOf(head);
    const button = create('button', { type: 'button', ariaLabel: name }, canvas, caption);
    button.addEventListener('click', () => this.choose(head));
    return button;
  }

  #read(cell: Cell | undefined): void {
    this.#tip.hidden = cell === undefined;
    if (cell === undefined || this.#attention === undefined) {
      this.#readout.textContent = this.#words.hint;
      return;
    }
    const { names } = this.#attention;
    const { values, rows, columns } = weightsOf(this.#attention, this.#chosen);
    const weight = (values[cell.row * columns.length + cell.column] ?? 0).toFixed(3);
    const token = (text = ''): HTMLElement => create('b', {}, `«${visible(text)}»`);
    this.#readout.replaceChildren(
      ...this.#words.read(
        names,
        token(rows[cell.row]),
        token(columns[cell.column]),
        create('b', { className: 'weight' }, weight),
      ),
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

function headsOf({ layers }: Attention): number {
  return layers[0]?.shape[1] ?? 0;
}

/** One head of (1, heads, rows, columns). */
function weightsOf({ layers, rows, columns }: Attention, { layer, head }: Head): Weights {
  const size = rows.length * columns.length;
  const data = layers[layer]?.data ?? new Float32Array(0);
  return { values: data.subarray(head * size, (head + 1) * size), rows, columns };
}
