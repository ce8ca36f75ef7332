// What was heard, as words of which one can be chosen: by pointer, or by arrow keys once one has the focus.

import { create } from '../elements.ts';
import type { Passage } from './listener.ts';
import type { Look } from './recognizer.ts';

/** A passage on the page. */
export interface Entry {
  readonly passage: Passage;
  /** What the model saw of it, once somebody asked. */
  look: Look | undefined;
}

interface Shown {
  readonly entry: Entry;
  readonly line: HTMLElement;
  words: HTMLButtonElement[];
}

export class Transcript {
  readonly #box: HTMLElement;
  readonly #onChoose: (entry: Entry, word: number) => void;
  readonly #certain = create('span');
  readonly #tentative = create('span', { className: 'tentative' });
  readonly #open = create('p', {}, this.#certain, this.#tentative);
  #shown: Shown[] = [];
  #chosen: HTMLButtonElement | undefined;

  constructor(box: HTMLElement, onChoose: (entry: Entry, word: number) => void) {
    this.#box = box;
    this.#onChoose = onChoose;
    box.append(this.#open);
    box.addEventListener('keydown', (event) => this.#onKey(event));
    for (const name of ['click', 'focusin', 'pointerover'] as const) {
      box.addEventListener(name, ({ target }) => {
        const word = target instanceof Element ? target.closest('button') : null;
        if (word !== null) this.#choose(word, name === 'pointerover');
      });
    }
  }

  clear(): void {
    for (const { line } of this.#shown) line.remove();
    this.#shown = [];
    this.#chosen = undefined;
    this.showText('', '');
  }

  /** The words of sound that is not done. */
  showText(certain: string, tentative: string): void {
    this.#certain.textContent = certain;
    this.#tentative.textContent = tentative;
    this.#open.hidden = certain + tentative === '';
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  add(passage: Passage): Entry {
    const entry: Entry = { passage, look: undefined };
    const shown: Shown = { entry, line: create('p'), words: [] };
    this.#shown.push(shown);
    this.#fill(shown, passage.text.match(/\s*\S+/g) ?? []);
    this.#open.before(shown.line);
    return entry;
  }

  has(entry: Entry): boolean {
    return this.#shown.some((shown) => shown.entry === entry);
  }

  /**
   * Shows the words as the model tells them apart, in place of those between spaces. The chosen word stays chosen; the
   * first one is chosen where none was.
   */
  show(entry: Entry, look: Look): void {
    const shown = this.#shown.find((one) => one.entry === entry);
    if (shown === undefined) return;
    entry.look = look;
    const before = shown.words.findIndex((word) => word === this.#chosen);
    const isFocused = before >= 0 && shown.words[before] === document.activeElement;
    const texts = look.words.map(({ text }) => text);
    if (texts.join('\n') !== shown.words.map(({ value }) => value).join('\n')) {
      this.#fill(shown, texts);
    }
    const isOther = before < 0 && this.#chosen !== undefined;
    const word = shown.words[Math.min(Math.max(before, 0), shown.words.length - 1)];
    if (word === undefined || isOther) return;
    if (isFocused) word.focus();
    this.#choose(word, false);
  }

  /** Chooses a word of the passage that is shown. */
  choose(entry: Entry, word: number): void {
    const button = this.#shown.find((one) => one.entry === entry)?.words[word];
    if (button !== undefined) this.#choose(button, false);
  }

  #fill(shown: Shown, texts: readonly string[]): void {
    shown.words = texts.map((text) =>
      create('button', { type: 'button', value: text, tabIndex: -1 }, text.trim()),
    );
    shown.line.replaceChildren(
      ...shown.words.flatMap((word) => (word.value.startsWith(' ') ? [' ', word] : [word])),
    );
    const all = this.#words();
    const [first] = all;
    if (first !== undefined && !all.some(({ tabIndex }) => tabIndex === 0)) first.tabIndex = 0;
  }

  #words(): HTMLButtonElement[] {
    return this.#shown.flatMap(({ words }) => words);
  }

  /** `isHover`: a passage that nobody has asked about stays as it is. */
  #choose(button: HTMLButtonElement, isHover: boolean): void {
    const shown = this.#shown.find(({ words }) => words.includes(button));
    if (shown === undefined || (isHover && shown.entry.look === undefined)) return;
    for (const word of this.#words()) {
      word.tabIndex = word === button ? 0 : -1;
      word.ariaPressed = String(word === button);
    }
    this.#chosen = button;
    this.#onChoose(shown.entry, shown.words.indexOf(button));
  }

  #onKey(event: KeyboardEvent): void {
    const all = this.#words();
    const at = all.findIndex((word) => word === document.activeElement);
    const last = all.length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: Math.max(at - 1, 0),
      ArrowUp: Math.max(at - 1, 0),
      ArrowRight: Math.min(at + 1, last),
      ArrowDown: Math.min(at + 1, last),
      Home: 0,
      End: last,
    };
    const word = all[moves[event.key] ?? -1];
    if (at < 0 || word === undefined) return;
    event.preventDefault();
    word.focus();
  }
}
