// How many phrases a translator gets right: exact match with an answer of Intl.

import { TransformerError } from '../runtime/errors.ts';
import type { Kind, Language } from './meanings.ts';
import type { Phrase } from './phrases.ts';

export interface Tally {
  readonly right: number;
  readonly total: number;
}

export interface PhraseScore extends Tally {
  /** By direction, such as `en-fr`, in the order in which they first occur. */
  readonly directions: ReadonlyMap<`${Language}-${Language}`, Tally>;
  readonly kinds: ReadonlyMap<Kind, Tally>;
  /** The phrases whose answer is wrong, with that answer. */
  readonly misses: readonly { readonly phrase: Phrase; readonly answer: string }[];
}

/**
 * Compares the translator's answer to each phrase with the right ones, character by character.
 * Throws `INPUT_INVALID` unless there are as many answers as phrases.
 */
export function scorePhrases(answers: readonly string[], phrases: readonly Phrase[]): PhraseScore {
  if (answers.length !== phrases.length) {
    throw new TransformerError(
      'INPUT_INVALID',
      `There are ${answers.length} answers to ${phrases.length} phrases; wanted one each. ` +
        'Pass the answers in the order of the phrases.',
    );
  }
  const results = phrases.map((phrase, index) => {
    const answer = answers[index] ?? '';
    return { phrase, answer, isRight: phrase.answers.includes(answer) };
  });
  const wrong = results.filter(({ isRight }) => !isRight);
  return {
    right: results.length - wrong.length,
    total: results.length,
    directions: tallyBy(results, ({ from, to }) => `${from}-${to}` as const),
    kinds: tallyBy(results, ({ kind }) => kind),
    misses: wrong.map(({ phrase, answer }) => ({ phrase, answer })),
  };
}

function tallyBy<Key>(
  results: readonly { readonly phrase: Phrase; readonly isRight: boolean }[],
  keyOf: (phrase: Phrase) => Key,
): Map<Key, Tally> {
  const tallies = new Map<Key, Tally>();
  for (const { phrase, isRight } of results) {
    const key = keyOf(phrase);
    const { right, total } = tallies.get(key) ?? { right: 0, total: 0 };
    tallies.set(key, { right: right + (isRight ? 1 : 0), total: total + 1 });
  }
  return tallies;
}
