// Weights of patches laid over a picture, on a canvas. Owns the active patch, which the pointer and the arrow keys
// move; what it means is told by `onActive`.

import { context2d } from '../elements.ts';
import type { PatchWeights } from './rollout.ts';
import { cellByKey } from '../grid-keys.ts';

/** What a model saw, and in which patches. */
export interface Seen {
  /** Any size; it is stretched. */
  readonly picture: HTMLCanvasElement;
  /** Whether the picture is ink on nothing, which lies over the weights; a photograph lies below them. */
  readonly isInk: boolean;
  /** Patches down and across. */
  readonly rows: number;
  readonly columns: number;
}

/** A patch, by row and column from 0. */
export interface Patch {
  readonly row: number;
  readonly column: number;
}

/** How much of the picture the greatest weight covers. */
const strongest = 0.85;

/** Draws weights over a picture, the greatest of them in the full color. */
export function drawWeights(
  canvas: HTMLCanvasElement,
  { picture, isInk, rows, columns }: Seen,
  weights: PatchWeights,
): void {
  const context = context2d(canvas);
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!isInk) context.drawImage(picture, 0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).getPropertyValue('--heat');
  const most = Math.max(...weights);
  for (const [i, weight] of weights.entries()) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const [left, top] = [edge(column, columns, width), edge(row, rows, height)];
    context.globalAlpha = most > 0 ? (strongest * weight) / most : 0;
    context.fillRect(
      left,
      top,
      edge(column + 1, columns, width) - left,
      edge(row + 1, rows, height) - top,
    );
  }
  context.globalAlpha = 1;
  if (isInk) context.drawImage(picture, 0, 0, width, height);
}

/** Where a patch begins, in whole pixels, so that there are no seams. */
function edge(index: number, count: number, size: number): number {
  return Math.round((index * size) / count);
}

export class PatchMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #onActive: (patch: Patch | undefined) => void;
  #seen: Seen | undefined;
  #weights: PatchWeights = new Float32Array();
  #active: Patch | undefined;

  constructor(canvas: HTMLCanvasElement, onActive: (patch: Patch | undefined) => void) {
    this.#canvas = canvas;
    this.#onActive = onActive;
    for (const name of ['pointermove', 'pointerdown'] as const) {
      canvas.addEventListener(name, (event) => this.#activate(this.#patchAt(event)));
    }
    canvas.addEventListener('pointerleave', () => {
      if (document.activeElement !== canvas) this.#activate(undefined);
    });
    canvas.addEventListener('focus', () => this.#activate(this.#active ?? this.#strongest()));
    canvas.addEventListener('blur', () => this.#activate(undefined));
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** Shows weights over what was seen. The active patch stays where it is. */
  show(seen: Seen, weights: PatchWeights): void {
    this.#seen = seen;
    this.#weights = weights;
    this.#active = this.#existing(this.#active);
    this.#draw();
    this.#onActive(this.#active);
  }

  #draw(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (this.#seen === undefined || clientWidth === 0) return;
    this.#canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.#canvas.height = Math.round(clientHeight * devicePixelRatio);
    drawWeights(this.#canvas, this.#seen, this.#weights);
    if (this.#active === undefined) return;
    const { rows, columns } = this.#seen;
    const [width, height] = [this.#canvas.width / columns, this.#canvas.height / rows];
    const context = context2d(this.#canvas);
    context.strokeStyle = getComputedStyle(this.#canvas).getPropertyValue('--action');
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeRect(this.#active.column * width, this.#active.row * height, width, height);
  }

  #patchAt({ clientX, clientY }: PointerEvent): Patch | undefined {
    if (this.#seen === undefined) return undefined;
    const box = this.#canvas.getBoundingClientRect();
    return this.#existing({
      row: Math.floor(((clientY - box.top) / box.height) * this.#seen.rows),
      column: Math.floor(((clientX - box.left) / box.width) * this.#seen.columns),
    });
  }

  #existing(patch: Patch | undefined): Patch | undefined {
    if (patch === undefined || this.#seen === undefined) return undefined;
    const { row, column } = patch;
    const isThere = row >= 0 && column >= 0 && row < this.#seen.rows && column < this.#seen.columns;
    return isThere ? patch : undefined;
  }

  #strongest(): Patch | undefined {
    const at = this.#weights.indexOf(Math.max(...this.#weights));
    const columns = this.#seen?.columns ?? 1;
    return this.#existing({ row: Math.floor(at / columns), column: at % columns });
  }

  #activate(patch: Patch | undefined): void {
    if (patch?.row === this.#active?.row && patch?.column === this.#active?.column) return;
    this.#active = patch;
    this.#draw();
    this.#onActive(patch);
  }

  #onKey(event: KeyboardEvent): void {
    if (this.#seen === undefined) return;
    const last = { row: this.#seen.rows - 1, column: this.#seen.columns - 1 };
    const wanted = cellByKey(event, this.#active ?? { row: 0, column: 0 }, last);
    if (wanted === undefined) return;
    event.preventDefault();
    this.#activate(wanted);
  }
}
