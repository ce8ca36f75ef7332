// The logit lens as a table of layers by positions.

import { byId } from '../elements.ts';
import type { GridCell } from '../grid-keys.ts';
import { visible } from '../heat-map.ts';
import { GridTable } from './grid-table.ts';
import { percentOf } from './next-view.ts';
import type { LensCell, Token } from './protocol.ts';
import { quoted } from './tokens-view.ts';
import type { Words } from './words/words.ts';

export class LensView {
  readonly #table: GridTable = new GridTable(byId('lens', HTMLElement), (cell) => this.#read(cell));
  readonly #readout: HTMLElement = byId('lens-readout', HTMLElement);
  #cells: readonly (readonly LensCell[])[] = [];
  #tokens: readonly Token[] = [];
  #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  /** `cells`: of what the first layer is given, and of each layer. */
  show(cells: readonly (readonly LensCell[])[], tokens: readonly Token[]): void {
    this.#cells = cells;
    this.#tokens = tokens;
    this.#draw();
  }

  clear(): void {
    this.#cells = [];
    this.#table.clear();
    this.#readout.textContent = '';
  }

  speak(words: Words): void {
    this.#words = words;
    if (this.#cells.length > 0) this.#draw();
  }

  #draw(): void {
    this.#readout.textContent = this.#words.gridHint;
    this.#table.show({
      label: this.#words.lens,
      rows: this.#cells.map((_, row) => this.#rowName(row)),
      columns: this.#tokens.map(({ text }) => visible(text)),
      entries: this.#cells.map((row) =>
        row.map(([best]) => ({
          text: visible(best?.text ?? ''),
          strength: best?.probability ?? 0,
        })),
      ),
    });
  }

  #rowName(row: number): string {
    return row === 0 ? this.#words.beginning : this.#words.layer(row);
  }

  #read({ row, column }: GridCell): void {
    const cell = this.#cells[row]?.[column] ?? [];
    const likely = cell.map(({ text, probability }) => `${quoted(text)} ${percentOf(probability)}`);
    const where = this.#words.lensCell(
      this.#rowName(row),
      quoted(this.#tokens[column]?.text ?? ''),
    );
    this.#readout.textContent = where + likely.join(', ');
  }
}
