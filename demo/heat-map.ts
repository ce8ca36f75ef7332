// One attention head as a heat map on a canvas: a row for each token that looks, a column for each it
// looks at. Owns the active cell, which the pointer and the arrow keys move; what it means is told by
// `onActive`.

import { colorOf } from './color-ramp.ts';
import { context2d } from './elements.ts';
import { cellByKey } from './grid-keys.ts';

/** The weights of one head: `values` is (rows, columns), each row adds up to 1. */
export interface Weights {
  readonly values: Float32Array;
  /** The tokens that look. */
  readonly rows: readonly string[];
  /** The tokens they look at. */
  readonly columns: readonly string[];
}

export interface Cell {
  readonly row: number;
  readonly column: number;
}

interface Layout {
  /** Side of a cell; everything here is in CSS pixels. */
  readonly cell: number;
  /** Where the cells begin, right of the row labels and below the column labels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const smallestCell = 15;
const largestCell = 30;
const labelGap = 6;
const fonts = 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace';

/** A token as a label: spaces and ends of lines must be seen. */
export function visible(token: string): string {
  return token.replaceAll(' ', '␣').replaceAll('\n', '↵');
}

export class HeatMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #onActive: (cell: Cell | undefined) => void;
  #weights: Weights = { values: new Float32Array(0), rows: [], columns: [] };
  #ramp: readonly string[] = [];
  #layout: Layout = { cell: smallestCell, left: 0, top: 0, width: 0, height: 0 };
  #active: Cell | undefined;

  constructor(canvas: HTMLCanvasElement, onActive: (cell: Cell | undefined) => void) {
    this.#canvas = canvas;
    this.#onActive = onActive;
    canvas.addEventListener('pointermove', (event) => this.#activate(this.#cellAt(event)));
    canvas.addEventListener('pointerdown', (event) => this.#activate(this.#cellAt(event)));
    canvas.addEventListener('pointerleave', () => {
      if (document.activeElement !== canvas) this.#activate(undefined);
    });
    canvas.addEventListener('focus', () => this.#activate(this.#active ?? this.#strongest()));
    canvas.addEventListener('blur', () => this.#activate(undefined));
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** Shows a head. The active cell stays where it is if there is still such a cell. */
  show(weights: Weights, ramp: readonly string[]): void {
    this.#weights = weights;
    this.#ramp = ramp;
    this.#active = this.#existing(this.#active);
    this.resize();
    this.#onActive(this.#active);
  }

  /** Fits the map into its parent's width and draws it. */
  resize(): void {
    const { rows, columns } = this.#weights;
    const context = context2d(this.#canvas);
    const available = this.#canvas.parentElement?.clientWidth ?? 0;
    const longest = (labels: readonly string[], font: string): number => {
      context.font = font;
      return Math.max(0, ...labels.map((label) => context.measureText(visible(label)).width));
    };
    const fit = (left: number): number =>
      Math.min(
        Math.max(Math.floor((available - left - 2) / columns.length), smallestCell),
        largestCell,
      );
    // The label size follows the cell size, which leaves room for the labels: two rounds settle it.
    let cell = fit(0);
    let left = 0;
    for (let round = 0; round < 2; round++) {
      left = Math.ceil(longest(rows, labelFont(cell))) + labelGap + 4;
      cell = fit(left);
    }
    const top = Math.ceil(longest(columns, labelFont(cell))) + labelGap + 4;
    const width = left + cell * columns.length + 2;
    const height = top + cell * rows.length + 2;
    this.#layout = { cell, left, top, width, height };
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${height}px`;
    this.#draw();
  }

  #draw(): void {
    const { values, rows, columns } = this.#weights;
    const { cell, left, top, width, height } = this.#layout;
    const context = context2d(this.#canvas);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    for (let row = 0; row < rows.length; row++) {
      for (let column = 0; column < columns.length; column++) {
        context.fillStyle = colorOf(this.#ramp, values[row * columns.length + column] ?? 0);
        context.fillRect(left + column * cell, top + row * cell, cell - 1, cell - 1);
      }
    }
    this.#drawLabels(context);
    this.#drawActive(context);
  }

  #drawLabels(context: CanvasRenderingContext2D): void {
    const { rows, columns } = this.#weights;
    const { cell, left, top } = this.#layout;
    const style = getComputedStyle(this.#canvas);
    const color = (isActive: boolean): string => {
      if (this.#active === undefined) return style.getPropertyValue('--text');
      return style.getPropertyValue(isActive ? '--accent' : '--faint');
    };
    const font = (isActive: boolean): string => `${isActive ? 'bold ' : ''}${labelFont(cell)}`;
    context.textBaseline = 'middle';
    for (const [row, token] of rows.entries()) {
      const isActive = row === this.#active?.row;
      context.fillStyle = color(isActive);
      context.font = font(isActive);
      context.textAlign = 'right';
      context.fillText(visible(token), left - labelGap, top + (row + 0.5) * cell);
    }
    for (const [column, token] of columns.entries()) {
      const isActive = column === this.#active?.column;
      context.fillStyle = color(isActive);
      context.font = font(isActive);
      const x = left + (column + 0.5) * cell;
      if (/^.$/u.test(token)) {
        context.textAlign = 'center';
        context.fillText(visible(token), x, top - labelGap - cell * 0.3);
        continue;
      }
      context.save();
      context.translate(x, top - labelGap);
      context.rotate(-Math.PI / 2);
      context.textAlign = 'left';
      context.fillText(visible(token), 0, 0);
      context.restore();
    }
  }

  /** The active cell's row and column in a thin frame, the cell itself in a strong one. */
  #drawActive(context: CanvasRenderingContext2D): void {
    if (this.#active === undefined) return;
    const { rows, columns } = this.#weights;
    const { cell, left, top } = this.#layout;
    const [x, y] = [left + this.#active.column * cell, top + this.#active.row * cell];
    const style = getComputedStyle(this.#canvas);
    context.strokeStyle = style.getPropertyValue('--accent');
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, y - 0.5, columns.length * cell, cell);
    context.strokeRect(x - 0.5, top - 0.5, cell, rows.length * cell);
    context.lineWidth = 3;
    context.strokeRect(x - 0.5, y - 0.5, cell, cell);
  }

  /** Where a cell lies, for what is placed beside it: from the canvas's corner, in CSS pixels. */
  placeOf({ row, column }: Cell): { x: number; y: number; size: number } {
    const { cell, left, top } = this.#layout;
    return { x: left + column * cell, y: top + row * cell, size: cell };
  }

  #cellAt(event: PointerEvent): Cell | undefined {
    const { cell, left, top } = this.#layout;
    const box = this.#canvas.getBoundingClientRect();
    return this.#existing({
      row: Math.floor((event.clientY - box.top - top) / cell),
      column: Math.floor((event.clientX - box.left - left) / cell),
    });
  }

  #existing(cell: Cell | undefined): Cell | undefined {
    const { rows, columns } = this.#weights;
    if (cell === undefined || cell.row < 0 || cell.column < 0) return undefined;
    return cell.row < rows.length && cell.column < columns.length ? cell : undefined;
  }

  /** The first row's largest weight: where reading by keyboard begins. */
  #strongest(): Cell | undefined {
    const { values, columns } = this.#weights;
    const row = values.subarray(0, columns.length);
    return this.#existing({ row: 0, column: row.indexOf(Math.max(...row)) });
  }

  #activate(wanted: Cell | undefined): void {
    const cell = this.#existing(wanted);
    if (cell?.row === this.#active?.row && cell?.column === this.#active?.column) return;
    this.#active = cell;
    this.#draw();
    this.#onActive(cell);
  }

  #onKey(event: KeyboardEvent): void {
    const { rows, columns } = this.#weights;
    const last = { row: rows.length - 1, column: columns.length - 1 };
    const wanted = cellByKey(event, this.#active ?? { row: 0, column: 0 }, last);
    if (wanted === undefined) return;
    event.preventDefault();
    this.#activate(wanted);
    this.#reveal(wanted);
  }

  /** Scrolls the frame so that a cell reached by keyboard is in sight. */
  #reveal(cell: Cell): void {
    const frame = this.#canvas.parentElement;
    if (frame === null) return;
    const { x, size } = this.placeOf(cell);
    const margin = 2 * size;
    const least = x + size + margin - frame.clientWidth;
    frame.scrollLeft = Math.min(Math.max(frame.scrollLeft, least), x - margin);
  }
}

function labelFont(cell: number): string {
  return `${Math.min(Math.round(cell * 0.62), 15)}px ${fonts}`;
}
