// What the model makes of the same phrases at every look, beside what is right.

import type { Phrase } from '../../src/phrases/phrases.ts';
import { byId, create } from '../elements.ts';
import { languageName } from '../examples.ts';

interface Row {
  readonly phrase: Phrase;
  readonly row: HTMLTableRowElement;
  readonly answer: HTMLElement;
  readonly mark: HTMLElement;
}

export class LooksView {
  readonly #place: HTMLElement = byId('looks', HTMLElement);
  readonly #empty: HTMLElement = byId('looks-empty', HTMLElement);
  readonly #step: HTMLElement = byId('look-step', HTMLElement);
  #rows: readonly Row[] = [];

  /** Lays out the phrases of a new run. */
  begin(phrases: readonly Phrase[]): void {
    this.#rows = phrases.map(rowOf);
    const titles = ['Phrase', 'Right answer', 'The model’s answer'];
    const head = create(
      'tr',
      {},
      ...titles.map((title) => create('th', { scope: 'col' }, title)),
      create('th', { scope: 'col', className: 'mark' }, hidden('Right or wrong')),
    );
    const body = create('tbody', {}, ...this.#rows.map(({ row }) => row));
    this.#place.replaceChildren(create('table', {}, create('thead', {}, head), body));
    this.#empty.hidden = true;
    this.#step.textContent = '';
  }

  /** Shows the model's answers, one for each phrase. Returns how many are right. */
  show(step: number, answers: readonly string[]): number {
    let right = 0;
    for (const [i, { phrase, row, answer, mark }] of this.#rows.entries()) {
      const text = answers[i] ?? '';
      const isRight = phrase.answers.includes(text);
      if (isRight) right += 1;
      answer.textContent = text;
      row.classList.toggle('right', isRight);
      mark.replaceChildren(
        create('span', { ariaHidden: 'true' }, isRight ? '✓' : '✗'),
        hidden(isRight ? 'right' : 'wrong'),
      );
    }
    this.#step.textContent = step === 0 ? 'Before training' : `After step ${step}`;
    return right;
  }
}

function rowOf(phrase: Phrase): Row {
  const { from, to, text, answers } = phrase;
  const direction = `${languageName(from, 'en')} to ${languageName(to, 'en')}`;
  const source = create('span', { lang: from }, text);
  const answer = create('td', { lang: to });
  const mark = create('td', { className: 'mark' });
  const row = create(
    'tr',
    {},
    create('th', { scope: 'row' }, source, create('small', {}, direction)),
    create('td', { lang: to }, answers[0]),
    answer,
    mark,
  );
  return { phrase, row, answer, mark };
}

/** Text for those who listen to the page. */
function hidden(text: string): HTMLElement {
  return create('span', { className: 'visually-hidden' }, text);
}
