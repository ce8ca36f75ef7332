// The heads of a model: all of them small, one large, and each with a switch.

import type { DenseTensor } from 'webgpu-transformer';
import { type AttentionWords, AttentionView, type Head } from '../attention-view.ts';
import { byId, create } from '../elements.ts';
import { cellByKey } from '../grid-keys.ts';
import type { Token } from './protocol.ts';
import { nameOf } from './state.ts';
import type { Words } from './words/words.ts';

interface Parts {
  readonly onChoose: (head: Head) => void;
  /** A head is to be switched off, or on again. */
  readonly onSwitch: (head: Head) => void;
}

interface Tile {
  readonly head: Head;
  readonly open: HTMLButtonElement;
  readonly toggle: HTMLButtonElement;
}

export class HeadsView {
  readonly #overview: HTMLElement = byId('overview', HTMLElement);
  readonly #switch: HTMLButtonElement = byId('switch', HTMLButtonElement);
  readonly #parts: Parts;
  readonly #view: AttentionView;
  readonly #tiles = new Map<string, Tile>();
  #words: Words;
  #off: ReadonlySet<string> = new Set();
  #chosen: Head = { layer: 0, head: 0 };
  #last: Head = { layer: 0, head: 0 };

  constructor(words: Words, parts: Parts) {
    this.#words = words;
    this.#parts = parts;
    this.#view = new AttentionView({
      words: viewWords(words),
      tile: (head, button) => this.#tile(head, button),
      onChoose: (head) => this.#onChosen(head),
    });
    this.#switch.addEventListener('click', () => parts.onSwitch(this.#chosen));
    this.#overview.addEventListener('keydown', (event) => this.#onKey(event));
  }

  show(attentions: readonly DenseTensor[], tokens: readonly Token[], chosen: Head): void {
    const names = tokens.map(({ text }) => text);
    const heads = attentions[0]?.shape[1] ?? 0;
    this.#last = { layer: attentions.length - 1, head: heads - 1 };
    this.#overview.classList.toggle('many', heads > 8);
    const layers = [...attentions];
    const all = { map: '', row: '', column: '' };
    this.#view.show({ layers, rows: names, columns: names, names: all });
    this.#view.choose(chosen);
    this.#drawSwitches();
  }

  /** Shows which heads are off. */
  setOff(off: readonly Head[]): void {
    this.#off = new Set(off.map(nameOf));
    this.#drawSwitches();
  }

  setStale(isStale: boolean): void {
    this.#view.setStale(isStale);
  }

  speak(words: Words): void {
    this.#words = words;
    this.#tiles.clear();
    this.#view.speak(viewWords(words));
    this.#drawSwitches();
  }

  #tile(head: Head, open: HTMLButtonElement): HTMLElement {
    const toggle = create('button', { type: 'button', className: 'toggle', tabIndex: -1 });
    toggle.addEventListener('click', () => this.#parts.onSwitch(head));
    open.tabIndex = -1;
    if (head.layer === 0 && head.head === 0) this.#tiles.clear();
    this.#tiles.set(nameOf(head), { head, open, toggle });
    return create('div', { className: 'tile' }, open, toggle);
  }

  #onChosen(head: Head): void {
    this.#chosen = head;
    for (const { head: other, open } of this.#tiles.values()) {
      open.tabIndex = nameOf(other) === nameOf(head) ? 0 : -1;
    }
    this.#drawSwitches();
    this.#parts.onChoose(head);
  }

  #drawSwitches(): void {
    const { head: nameOfHead, switchOff, switchOn } = this.#words;
    for (const { head, open, toggle } of this.#tiles.values()) {
      const isOff = this.#off.has(nameOf(head));
      open.parentElement?.classList.toggle('off', isOff);
      toggle.ariaPressed = String(isOff);
      toggle.ariaLabel = `${switchOff}: ${nameOfHead(head.layer + 1, head.head + 1)}`;
    }
    const isOff = this.#off.has(nameOf(this.#chosen));
    this.#switch.textContent = isOff ? switchOn : switchOff;
  }

  /** Arrow keys move among the heads, a row for each layer. */
  #onKey(event: KeyboardEvent): void {
    const { layer, head } = this.#chosen;
    if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      this.#parts.onSwitch(this.#chosen);
      return;
    }
    const last = { row: this.#last.layer, column: this.#last.head };
    const wanted = cellByKey(event, { row: layer, column: head }, last);
    if (wanted === undefined) return;
    event.preventDefault();
    const next = { layer: wanted.row, head: wanted.column };
    this.#view.choose(next);
    this.#tiles.get(nameOf(next))?.open.focus();
  }
}

function viewWords({ mapHint, head, axes, mapLabel, attends }: Words): AttentionWords {
  return {
    hint: mapHint,
    name: head,
    caption: head,
    axes: () => axes,
    label: (_map, name) => mapLabel(name),
    read: (_names, row, column, weight) => attends(row, column, weight),
  };
}
