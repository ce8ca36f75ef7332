// What may come next: the likeliest tokens as bars, with what temperature and top-p leave of them. A mark shows what the
// model without changes would say.

import { byId, create } from '../elements.ts';
import { visible } from '../heat-map.ts';
import { nucleus, probabilities } from './likeliest.ts';
import type { NextToken, Sampling, Token } from './protocol.ts';
import type { Words } from './words/words.ts';

const bars = 12;

interface Shown {
  readonly next: NextToken;
  readonly plain: NextToken | undefined;
}

export class NextView {
  readonly #list: HTMLElement = byId('next', HTMLElement);
  readonly #note: HTMLElement = byId('nucleus', HTMLElement);
  readonly #onChoose: (token: Token) => void;
  #shown: Shown | undefined;

  /** `onChoose`: a token is to follow the text. */
  constructor(onChoose: (token: Token) => void) {
    this.#onChoose = onChoose;
  }

  show(shown: Shown, sampling: Sampling, words: Words): void {
    this.#shown = shown;
    this.draw(sampling, words);
  }

  clear(): void {
    this.#shown = undefined;
    this.#list.replaceChildren();
    this.#note.textContent = '';
  }

  /** Draws it again, for other settings or in other words. */
  draw({ temperature, topP }: Sampling, words: Words): void {
    if (this.#shown === undefined) return;
    const { next, plain } = this.#shown;
    const isGreedy = temperature === 0;
    const tokens = next.likeliest.slice(0, bars);
    const ids = tokens.map(({ id }) => id);
    const divisor = isGreedy ? 1 : temperature;
    const likely = probabilities(next.logits, ids, divisor);
    const before = plain && probabilities(plain.logits, ids, divisor);
    const kept = isGreedy ? 1 : nucleus(next.logits, temperature, topP);
    // The bars of a render before give up their place, but not the focus.
    const focused = [...this.#list.querySelectorAll('button')].findIndex(
      (button) => button === document.activeElement,
    );
    const rows = tokens.map((token, i) => {
      const share = percentOf(likely[i] ?? 0);
      const bar = create('span', { className: 'bar', ariaHidden: 'true' });
      bar.style.setProperty('--part', String(likely[i] ?? 0));
      const mark = before?.[i];
      if (mark !== undefined) {
        const line = create('span', { className: 'before' });
        line.style.setProperty('--part', String(mark));
        bar.append(line);
      }
      const button = create(
        'button',
        { type: 'button' },
        create('span', { className: 'visually-hidden' }, words.append),
        create('span', { className: 'label' }, visible(token.text)),
        bar,
        create('span', { className: 'value' }, share),
      );
      button.addEventListener('click', () => this.#onChoose(token));
      return create('li', { className: isGreedy || i < kept ? '' : 'cut' }, button);
    });
    this.#list.replaceChildren(...rows);
    this.#list.querySelectorAll('button')[focused]?.focus();
    this.#note.textContent = isGreedy ? words.greedy : words.nucleus(kept);
  }
}

/** A part of 1 for people. */
export function percentOf(part: number): string {
  const share = 100 * part;
  if (share > 0 && share < 0.1) return '<0.1 %';
  return `${share.toFixed(1)} %`;
}
