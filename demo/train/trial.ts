// A phrase of the visitor's, for the model as it is trained.

import type { Language } from '../../src/phrases/meanings.ts';
import { byId, create } from '../elements.ts';
import { languageName, plainSpaces } from '../examples.ts';
import type { Question } from './protocol.ts';
import type { State } from './run-buttons.ts';

/** What the model of this page learns. */
const languages: readonly Language[] = ['en', 'fr', 'de', 'zh'];

export class Trial {
  readonly #form: HTMLFormElement = byId('trial', HTMLFormElement);
  readonly #phrase: HTMLInputElement = byId('trial-phrase', HTMLInputElement);
  readonly #to: HTMLSelectElement = byId('trial-to', HTMLSelectElement);
  readonly #ask: HTMLButtonElement = byId('trial-ask', HTMLButtonElement);
  readonly #answer: HTMLElement = byId('trial-answer', HTMLElement);

  constructor(onAsk: (question: Question) => void) {
    this.#to.replaceChildren(
      ...languages.map((value) => create('option', { value }, languageName(value, 'en'))),
    );
    this.#to.value = 'fr';
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      onAsk({ text: plainSpaces(this.#phrase.value), to: this.#to.value });
    });
  }

  /** Phrases are answered while there is a model. */
  offer(state: State): void {
    this.#ask.disabled = !['running', 'paused', 'finished'].includes(state);
  }

  show({ to }: Question, answer: string): void {
    this.#answer.lang = to;
    this.#answer.textContent = answer === '' ? '–' : answer;
  }
}
