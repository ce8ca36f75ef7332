// Word error rate: how many words of what is heard have to be put in, left out or changed for what was said.

import { refuseUnknown } from '../runtime/errors.ts';
import { checkFunction, checkText, inputInvalid, pairTexts } from './check.ts';

/** How words are compared. */
export interface WordErrorOptions {
  /** Applied to both sides before they are compared. By default texts compare as they are. */
  normalize?: (text: string) => string;
}

/** The word error rate, and the edits that it counts. */
export interface WordErrorScore {
  /** `errors / words`: 0 where all is right; above 1 where more is wrong than was said. */
  readonly score: number;
  /** Words put in, left out and changed (Levenshtein 1966), of all texts together. */
  readonly errors: number;
  /** Words of the references. */
  readonly words: number;
}

/**
 * Errors of all texts over the words of all references, words being what stands between spaces; as the Python package
 * jiwer has it. Errors: INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN.
 * @example
 * wordErrorRate(['fail better'], ['fail again fail better']).score; // 0.5
 */
export function wordErrorRate(
  hypotheses: readonly string[],
  references: readonly string[],
  options: WordErrorOptions = {},
): WordErrorScore {
  refuseUnknown(options, ['normalize'], 'option of wordErrorRate');
  checkFunction('normalize', options.normalize);
  const { normalize = (text) => text } = options;
  const wordsOf = (text: string): string[] =>
    checkText('wordErrorRate', 'what normalize returned', normalize(text))
      .split(/\s+/)
      .filter((word) => word !== '');
  let [errors, words] = [0, 0];
  for (const { hypothesis, references: right } of pairTexts(
    'wordErrorRate',
    hypotheses,
    references,
  )) {
    const [said, more] = right;
    if (said === undefined || more !== undefined) {
      throw inputInvalid('wordErrorRate', 'a text has several references; wanted one of each');
    }
    const wanted = wordsOf(said);
    errors += distance(wordsOf(hypothesis), wanted);
    words += wanted.length;
  }
  if (words === 0) throw inputInvalid('wordErrorRate', 'the references have no words. Pass some');
  return { score: errors / words, errors, words };
}

/** The fewest changes of words that make one list of the other. */
function distance(from: readonly string[], to: readonly string[]): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, word] of from.entries()) {
    const next = [i + 1];
    for (const [j, other] of to.entries()) {
      const changed = (row[j] ?? 0) + (word === other ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
