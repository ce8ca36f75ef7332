// chrF (Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015) and chrF++
// (Popović, "chrF++: words helping character n-grams", 2017), as sacreBLEU 2 computes them.

import { refuseUnknown } from '../runtime/errors.ts';
import {
  checkOrder,
  checkPositive,
  checkSwitch,
  type Pair,
  pairTexts,
  type References,
} from './check.ts';
import { countNgrams, type NgramCounts, countShared, splitWords } from './ngrams.ts';
import { signature } from './signature.ts';

/** Settings of chrF; the defaults are those of sacreBLEU. */
export interface ChrFOptions {
  /** The longest n-grams of characters; 6 by default. */
  charOrder?: number;
  /** The longest n-grams of words; 0 (none) by default, 2 makes it chrF++. */
  wordOrder?: number;
  /** How many times as much recall counts as precision; 2 by default. */
  beta?: number;
  /** Compare without case; false by default. */
  lowercase?: boolean;
}

/** chrF, and how it was computed. */
export interface ChrFScore {
  /** 0 to 100. */
  readonly score: number;
  /** `chrF2` for beta 2; a `+` for each order of words. The signature says nothing of beta. */
  readonly name: string;
  /** How the score was computed, in sacreBLEU's notation; to be given along with the score. */
  readonly signature: string;
}

/** N-grams of one order: in the hypothesis, in the reference, in both. */
interface OrderCounts {
  readonly hypothesis: number;
  readonly reference: number;
  readonly shared: number;
}

/**
 * chrF of a corpus: counts of each order are summed over all texts; the F-score of the mean precision
 * and mean recall over orders is the result. White space does not count, characters are code points.
 * Of several references the one with the best score counts. Errors: INPUT_INVALID, OPTION_INVALID,
 * OPTION_UNKNOWN.
 */
export function chrF(
  hypotheses: readonly string[],
  references: References,
  options: ChrFOptions = {},
): ChrFScore {
  refuseUnknown(options, ['charOrder', 'wordOrder', 'beta', 'lowercase'], 'option of chrF');
  const { charOrder = 6, wordOrder = 0, beta = 2, lowercase = false } = options;
  checkOrder('charOrder', charOrder, 1);
  checkOrder('wordOrder', wordOrder, 0);
  checkPositive('beta', beta);
  checkSwitch('lowercase', lowercase);

  const pairs = pairTexts('chrF', hypotheses, references);
  const ngrams = (text: string): NgramCounts[] =>
    allNgrams(lowercase ? text.toLowerCase() : text, charOrder, wordOrder);
  const best = pairs.map((pair) => bestCounts(pair, ngrams, beta));
  const summed = Array.from({ length: charOrder + wordOrder }, (_, i) =>
    best.map((orders) => orders[i] ?? nothing).reduce(sum, nothing),
  );
  return {
    score: 100 * fScore(summed, beta),
    name: `chrF${beta}${'+'.repeat(wordOrder)}`,
    signature: signature(pairs, lowercase, {
      eff: 'yes',
      nc: charOrder,
      nw: wordOrder,
      space: 'no',
    }),
  };
}

const nothing: OrderCounts = { hypothesis: 0, reference: 0, shared: 0 };

function sum(one: OrderCounts, other: OrderCounts): OrderCounts {
  return {
    hypothesis: one.hypothesis + other.hypothesis,
    reference: one.reference + other.reference,
    shared: one.shared + other.shared,
  };
}

/** The counts of each order against the reference with the best score, the first one of equals. */
function bestCounts(
  { hypothesis, references }: Pair,
  ngrams: (text: string) => NgramCounts[],
  beta: number,
): readonly OrderCounts[] {
  const ours = ngrams(hypothesis);
  let best: readonly OrderCounts[] = [];
  let bestScore = -1;
  for (const reference of references) {
    const theirs = ngrams(reference);
    const counts = ours.map((one, i) => compare(one, theirs[i] ?? new Map<string, number>()));
    const score = fScore(counts, beta);
    if (score > bestScore) [best, bestScore] = [counts, score];
  }
  return best;
}

/** Where the reference has no n-gram of an order, those of the hypothesis do not count against it. */
function compare(hypothesis: NgramCounts, reference: NgramCounts): OrderCounts {
  return {
    hypothesis: reference.size === 0 ? 0 : size(hypothesis),
    reference: size(reference),
    shared: countShared(hypothesis, reference),
  };
}

function size(counts: NgramCounts): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** F-score, 0 to 1, of precision and recall, averaged over the orders that both have (2015, section 2). */
function fScore(counts: readonly OrderCounts[], beta: number): number {
  const orders = counts.filter(({ hypothesis, reference }) => hypothesis > 0 && reference > 0);
  let precisions = 0;
  let recalls = 0;
  for (const { hypothesis, reference, shared } of orders) {
    precisions += shared / hypothesis;
    recalls += shared / reference;
  }
  if (precisions === 0) return 0;
  const precision = precisions / orders.length;
  const recall = recalls / orders.length;
  return ((1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall);
}

/** Counts of character n-grams from order 1 to `charOrder`, then of word n-grams. */
function allNgrams(text: string, charOrder: number, wordOrder: number): NgramCounts[] {
  const words = splitWords(text);
  const characters = words.flatMap((word) => Array.from(word));
  const chars = Array.from({ length: charOrder }, (_, i) => countNgrams(characters, i + 1));
  const tokens = words.flatMap(splitPunctuation);
  return [...chars, ...Array.from({ length: wordOrder }, (_, i) => countNgrams(tokens, i + 1))];
}

/**
 * A mark at the end of a word becomes a word; without one, a mark at its beginning does (2017).
 * Never both: `(hi)` gives `(hi` and `)`, as in the authors' script. Marks are ASCII's.
 */
function splitPunctuation(word: string): string[] {
  const mark = /^[!-/:-@[-`{-~]$/;
  if (word.length === 1) return [word];
  if (mark.test(word.slice(-1))) return [word.slice(0, -1), word.slice(-1)];
  return mark.test(word.slice(0, 1)) ? [word.slice(0, 1), word.slice(1)] : [word];
}
