// A table of layers by positions whose cells are read one by one, with the pointer or the arrow keys: one stop of the
// tab key.

import { colorOf, readRamp, textOn } from '../color-ramp.ts';
import { create } from '../elements.ts';
import { cellByKey, type GridCell } from '../grid-keys.ts';

export interface GridEntry {
  readonly text: string;
  /** How strong its color is, from 0 to 1. */
  readonly strength: number;
}

export interface GridContent {
  /** What the table is called. */
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly entries: readonly (readonly GridEntry[])[];
}

export class GridTable {
  readonly #place: HTMLElement;
  readonly #onActive: (cell: GridCell) => void;
  #content: GridContent | undefined;
  #cells: HTMLTableCellElement[][] = [];
  #active: GridCell = { row: 0, column: 0 };

  constructor(place: HTMLElement, onActive: (cell: GridCell) => void) {
    this.#place = place;
    this.#onActive = onActive;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      if (this.#content !== undefined) this.show(this.#content);
    });
  }

  /** Shows a table. The cell that was read stays so where there still is one. */
  show(content: GridContent): void {
    this.#content = content;
    const { label, rows, columns, entries } = content;
    const ramp = readRamp();
    const head = create(
      'tr',
      {},
      create('td'),
      ...columns.map((column) => create('th', { scope: 'col' }, column)),
    );
    this.#cells = entries.map((row, y) => row.map((entry, x) => this.#cell(entry, ramp, y, x)));
    const body = rows.map((row, y) =>
      create('tr', {}, create('th', { scope: 'row' }, row), ...(this.#cells[y] ?? [])),
    );
    const hadFocus = this.#place.contains(document.activeElement);
    const table = create(
      'table',
      { ariaLabel: label, role: 'grid' },
      create('thead', {}, head),
      create('tbody', {}, ...body),
    );
    this.#place.replaceChildren(table);
    const { row, column } = this.#active;
    if (this.#cells[row]?.[column] === undefined) this.#active = { row: 0, column: 0 };
    this.#mark(hadFocus);
  }

  clear(): void {
    this.#content = undefined;
    this.#cells = [];
    this.#place.replaceChildren();
  }

  #cell(
    { text, strength }: GridEntry,
    ramp: readonly string[],
    row: number,
    column: number,
  ): HTMLTableCellElement {
    const cell = create('td', { role: 'gridcell', tabIndex: -1 }, text);
    const color = colorOf(ramp, strength);
    cell.style.backgroundColor = color;
    cell.style.color = textOn(color);
    const activate = (): void => {
      this.#active = { row, column };
      this.#mark(false);
      this.#onActive(this.#active);
    };
    cell.addEventListener('pointerenter', activate);
    cell.addEventListener('focus', activate);
    cell.addEventListener('keydown', (event) => {
      const last = { row: this.#cells.length - 1, column: (this.#cells[0]?.length ?? 1) - 1 };
      const wanted = cellByKey(event, { row, column }, last);
      if (wanted === undefined) return;
      event.preventDefault();
      this.#cells[wanted.row]?.[wanted.column]?.focus();
    });
    return cell;
  }

  /** The tab key stops at the active cell alone. */
  #mark(isFocused: boolean): void {
    for (const [y, row] of this.#cells.entries()) {
      for (const [x, cell] of row.entries()) {
        const isActive = y === this.#active.row && x === this.#active.column;
        cell.tabIndex = isActive ? 0 : -1;
        cell.classList.toggle('active', isActive);
        if (isActive && isFocused) cell.focus();
      }
    }
  }
}
