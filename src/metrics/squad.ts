// Answers to questions beside those that are right: SQuAD (Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine
// Comprehension of Text", 2016, §6.1), by the rules of its evaluation script.

import { pairTexts, type References } from './check.ts';

/** The scores of SQuAD's script. */
export interface SquadScore {
  /** The part of the answers that are one of the right ones but for case, punctuation, articles and spaces, 0 to 1. */
  readonly exactMatch: number;
  /** Mean of the F1 of their words with those of the right answer that is nearest, 0 to 1. */
  readonly f1: number;
  /** Answers that were compared. */
  readonly total: number;
}

/**
 * How good answers are, one a question, of which each has a right answer or a list of them. A question without an answer
 * has the right answer `''`, as in SQuAD 2.0. Errors: INPUT_INVALID.
 */
export function squad(predictions: readonly string[], references: References): SquadScore {
  const pairs = pairTexts('squad', predictions, references);
  let [matches, sum] = [0, 0];
  for (const { hypothesis, references: right } of pairs) {
    const words = wordsOf(hypothesis);
    const wanted = right.map(wordsOf);
    matches += wanted.some((one) => one.join(' ') === words.join(' ')) ? 1 : 0;
    sum += Math.max(...wanted.map((one) => overlap(words, one)));
  }
  return { exactMatch: matches / pairs.length, f1: sum / pairs.length, total: pairs.length };
}

/** Without ASCII punctuation and English articles. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll(/[!-/:-@[-`{-~]/g, '')
    .replaceAll(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** F1 of words, each as often as it stands there; of no words at all, whether both sides have none. */
function overlap(told: readonly string[], right: readonly string[]): number {
  if (told.length === 0 || right.length === 0) return told.length === right.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of right) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of told) {
    const count = left.get(word) ?? 0;
    if (count > 0) common += 1;
    left.set(word, count - 1);
  }
  return (2 * common) / (told.length + right.length);
}
