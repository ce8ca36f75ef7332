// ROUGE (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004): ROUGE-1, ROUGE-2 and
// ROUGE-L of sentences, with the tokenizer of Google's rouge_score. Words are not stemmed.

import { refuseUnknown } from '../runtime/errors.ts';
import {
  checkArray,
  checkFunction,
  checkText,
  type Pair,
  pairTexts,
  type References,
} from './check.ts';
import { countNgrams, countShared } from './ngrams.ts';

/** Settings of ROUGE. */
export interface RougeOptions {
  /**
   * How text becomes tokens. By default it is taken to lower case and cut at everything but the
   * letters a to z and digits. Of a text in Chinese, Japanese or another script that leaves nothing,
   * and letters with accents are lost; so such texts need a tokenizer of their own.
   * @example
   * const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });
   * const tokenizer = (text) => Array.from(segmenter.segment(text), ({ segment }) => segment);
   */
  tokenizer?: (text: string) => readonly string[];
}

/** Values from 0 to 1. */
export interface RougeScore {
  /** The share of the hypothesis that the reference has. */
  readonly precision: number;
  /** The share of the reference that the hypothesis has. */
  readonly recall: number;
  /** The harmonic mean of both (F1). */
  readonly fmeasure: number;
}

/** ROUGE by its kinds: of single words, of pairs, and of the longest common subsequence. */
export interface RougeScores {
  /** Words (section 2). */
  readonly rouge1: RougeScore;
  /** Pairs of adjacent words (section 2). */
  readonly rouge2: RougeScore;
  /** The longest common subsequence of words (section 3.1). */
  readonly rougeL: RougeScore;
}

/**
 * ROUGE, the mean over all texts of each text's precision, recall and F-measure. ROUGE-L takes each
 * text as one sentence. Of several references the one with the greatest F-measure counts, in each of
 * the three by itself. Errors: INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN.
 */
export function rouge(
  hypotheses: readonly string[],
  references: References,
  options: RougeOptions = {},
): RougeScores {
  refuseUnknown(options, ['tokenizer'], 'option of rouge');
  checkFunction('tokenizer', options.tokenizer);
  const pairs = pairTexts('rouge', hypotheses, references);
  const { tokenizer = alphanumericTokens } = options;
  const tokenize = numberTokens(tokenizer);
  const scores = pairs.map((pair) => pairScores(pair, tokenize));
  return {
    rouge1: mean(scores.map(({ rouge1 }) => rouge1)),
    rouge2: mean(scores.map(({ rouge2 }) => rouge2)),
    rougeL: mean(scores.map(({ rougeL }) => rougeL)),
  };
}

function alphanumericTokens(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Equal tokens get equal numbers: those compare fast, and hold no spaces whatever the tokens hold. */
function numberTokens(tokenizer: (text: string) => unknown): (text: string) => number[] {
  const numbers = new Map<string, number>();
  return (text) =>
    checkArray('rouge', 'what the tokenizer returned', tokenizer(text)).map((value, i) => {
      const token = checkText('rouge', `token ${i} of the tokenizer`, value);
      const number = numbers.get(token) ?? numbers.size;
      numbers.set(token, number);
      return number;
    });
}

function pairScores(
  { hypothesis, references }: Pair,
  tokenize: (text: string) => number[],
): RougeScores {
  const ours = tokenize(hypothesis);
  const scores = references.map((reference): RougeScores => {
    const theirs = tokenize(reference);
    const ngrams = (order: number): RougeScore => {
      const shared = countShared(countNgrams(ours, order), countNgrams(theirs, order));
      return score(shared, ours.length - order + 1, theirs.length - order + 1);
    };
    const common = longestCommonSubsequence(ours, theirs);
    const rougeL = score(common, ours.length, theirs.length);
    return { rouge1: ngrams(1), rouge2: ngrams(2), rougeL };
  });
  return scores.reduce((best, other) => ({
    rouge1: better(best.rouge1, other.rouge1),
    rouge2: better(best.rouge2, other.rouge2),
    rougeL: better(best.rougeL, other.rougeL),
  }));
}

function better(one: RougeScore, other: RougeScore): RougeScore {
  return other.fmeasure > one.fmeasure ? other : one;
}

/** Scores from how many units are in both, in the hypothesis and in the reference. */
function score(shared: number, hypothesis: number, reference: number): RougeScore {
  if (shared === 0) return { precision: 0, recall: 0, fmeasure: 0 };
  const precision = shared / hypothesis;
  const recall = shared / reference;
  return { precision, recall, fmeasure: (2 * precision * recall) / (precision + recall) };
}

/** Its length, row by row of the table: row[j] is that of all `one` so far and j tokens of `other`. */
function longestCommonSubsequence(one: readonly number[], other: readonly number[]): number {
  const row = new Uint32Array(other.length + 1);
  for (const token of one) {
    let diagonal = 0;
    for (const [j, candidate] of other.entries()) {
      const above = row[j + 1] ?? 0;
      row[j + 1] = token === candidate ? diagonal + 1 : Math.max(above, row[j] ?? 0);
      diagonal = above;
    }
  }
  return row[other.length] ?? 0;
}

function mean(scores: readonly RougeScore[]): RougeScore {
  const of = (name: keyof RougeScore): number =>
    scores.reduce((total, one) => total + one[name], 0) / scores.length;
  return { precision: of('precision'), recall: of('recall'), fmeasure: of('fmeasure') };
}
