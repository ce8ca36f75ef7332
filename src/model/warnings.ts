// What a model overlooks in its files: settings that make no sense and do no harm. Callers' own options
// are never overlooked.

import { redact } from '../runtime/redact.ts';

export class Warnings {
  readonly #texts = new Set<string>();

  /** Notes a sentence, once. */
  add(text: string): void {
    this.#texts.add(redact(text));
  }

  /** All sentences so far, in the order in which they came. */
  get texts(): readonly string[] {
    return [...this.#texts];
  }
}
