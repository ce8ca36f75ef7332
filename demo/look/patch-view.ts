// What patches recover, as a table of layers by positions.

import { byId } from '../elements.ts';
import type { GridCell } from '../grid-keys.ts';
import { visible } from '../heat-map.ts';
import { GridTable } from './grid-table.ts';
import type { Patches, Token } from './protocol.ts';
import { quoted, showTokens } from './tokens-view.ts';
import type { Words } from './words/words.ts';

export class PatchView {
  readonly #table: GridTable = new GridTable(byId('patches', HTMLElement), (cell) =>
    this.#read(cell),
  );
  readonly #readout: HTMLElement = byId('pair-readout', HTMLElement);
  readonly #note: HTMLElement = byId('pair-problem', HTMLElement);
  readonly #otherTokens: HTMLElement = byId('other-tokens', HTMLElement);
  #patches: Patches | undefined;
  #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  show(patches: Patches): void {
    this.#patches = patches;
    this.#draw();
  }

  showOther(tokens: readonly Token[]): void {
    showTokens(this.#otherTokens, tokens);
  }

  /** Says why there is nothing to see. */
  refuse(reason: string): void {
    this.#patches = undefined;
    this.#table.clear();
    this.#readout.textContent = '';
    this.#note.textContent = reason;
  }

  speak(words: Words): void {
    this.#words = words;
    this.#draw();
  }

  #draw(): void {
    if (this.#patches === undefined) return;
    const { recovered, tokens, otherTokens, target, against } = this.#patches;
    const rival = against && quoted(against.text);
    this.#note.textContent = this.#words.measured(quoted(target.text), rival);
    this.#readout.textContent = this.#words.gridHint;
    this.#table.show({
      label: this.#words.pair,
      rows: recovered.map((_, row) => this.#words.layer(row + 1)),
      columns: tokens.map(({ text }, i) => {
        const other = otherTokens[i]?.text ?? '';
        return text === other ? visible(text) : `${visible(text)} → ${visible(other)}`;
      }),
      entries: recovered.map((row) =>
        row.map((value) => ({ text: value.toFixed(2), strength: value })),
      ),
    });
  }

  #read({ row, column }: GridCell): void {
    const token = this.#patches?.tokens[column]?.text ?? '';
    const value = this.#patches?.recovered[row]?.[column] ?? 0;
    const layer = this.#words.layer(row + 1);
    this.#readout.textContent = this.#words.patchCell(layer, quoted(token), value.toFixed(3));
  }
}
