// BLEU (Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", 2002), with
// the tokenization, smoothing and signature of sacreBLEU (Post, "A Call for Clarity in Reporting BLEU
// Scores", 2018), so that scores can be compared with published ones.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { type BleuTokenizer, bleuTokenizers } from './bleu-tokenizers.ts';
import {
  checkChoice,
  checkPositive,
  checkSwitch,
  type Pair,
  pairTexts,
  type References,
} from './check.ts';
import { countNgrams, countShared, greatestCounts } from './ngrams.ts';
import { signature } from './signature.ts';

/** Settings of BLEU; the defaults are those of sacreBLEU. */
export interface BleuOptions {
  /** How text becomes tokens; `13a` by default. Languages without spaces between words need `char`. */
  tokenizer?: BleuTokenizer;
  /**
   * What an order without a match counts as (Chen and Cherry, "A Systematic Comparison of Smoothing
   * Techniques for Sentence-Level BLEU", 2014). `exp` (default): half a match, then a quarter, and so
   * on; `floor`: `smoothingValue` matches; `add-k`: `smoothingValue` is added to matches and totals
   * of all orders above 1; `none`: no match, and the score is 0.
   */
  smoothing?: BleuSmoothing;
  /** For `floor` (0.1 by default) and `add-k` (1 by default). */
  smoothingValue?: number;
  /** Compare without case; false by default. */
  lowercase?: boolean;
  /** Leave out orders that no hypothesis is long enough for. By default for `sentenceBleu` only. */
  effectiveOrder?: boolean;
}

/** What an order without a match counts as; see `BleuOptions`. */
export type BleuSmoothing = 'exp' | 'floor' | 'add-k' | 'none';

/** BLEU, and what it is made of. */
export interface BleuScore {
  /** 0 to 100. */
  readonly score: number;
  /** Precision of 1-grams to 4-grams after smoothing, 0 to 100 each. All 0 when nothing matches. */
  readonly precisions: readonly number[];
  /** Below 1 when the hypotheses are shorter than their references. */
  readonly brevityPenalty: number;
  /** Tokens of all hypotheses. */
  readonly hypothesisLength: number;
  /** Tokens of the references, that of each hypothesis which is closest to it in length. */
  readonly referenceLength: number;
  /** How the score was computed, in sacreBLEU's notation; to be given along with the score. */
  readonly signature: string;
}

/** The longest n-grams that count (section 2.3). */
const maxOrder = 4;

const smoothingDefaults: Readonly<Record<BleuSmoothing, number | undefined>> = {
  exp: undefined,
  floor: 0.1,
  'add-k': 1,
  none: undefined,
};

interface Settings {
  readonly tokenizer: BleuTokenizer;
  readonly smoothing: BleuSmoothing;
  readonly smoothingValue: number | undefined;
  readonly lowercase: boolean;
  readonly effectiveOrder: boolean;
}

/** Matched and all n-grams of one order. */
interface OrderCounts {
  readonly matches: number;
  readonly total: number;
}

/**
 * BLEU of a corpus: counts are summed over all texts before precisions are taken (section 2.1.1), so
 * this is not the mean of the scores of sentences. With several references of a text, an n-gram may
 * match as often as it occurs in any one of them. Errors: INPUT_INVALID, OPTION_INVALID,
 * OPTION_UNKNOWN.
 */
export function bleu(
  hypotheses: readonly string[],
  references: References,
  options: BleuOptions = {},
): BleuScore {
  const settings = checkOptions('bleu', options, false);
  return corpusScore(pairTexts('bleu', hypotheses, references), settings);
}

/**
 * BLEU of one text, with one reference or several. `effectiveOrder` is on unless it is turned off.
 * Errors: as for `bleu`.
 */
export function sentenceBleu(
  hypothesis: string,
  references: string | readonly string[],
  options: BleuOptions = {},
): BleuScore {
  const settings = checkOptions('sentenceBleu', options, true);
  return corpusScore(pairTexts('sentenceBleu', [hypothesis], [references]), settings);
}

function corpusScore(pairs: readonly Pair[], settings: Settings): BleuScore {
  const tokenize = (text: string): string[] =>
    bleuTokenizers[settings.tokenizer](settings.lowercase ? text.toLowerCase() : text);
  const tokenized = pairs.map(({ hypothesis, references }) => ({
    hypothesis: tokenize(hypothesis),
    references: references.map(tokenize),
  }));

  const counts = Array.from({ length: maxOrder }, (_, i): OrderCounts => {
    let matches = 0;
    let total = 0;
    for (const { hypothesis, references } of tokenized) {
      const wanted = greatestCounts(references.map((tokens) => countNgrams(tokens, i + 1)));
      matches += countShared(countNgrams(hypothesis, i + 1), wanted);
      total += Math.max(0, hypothesis.length - i);
    }
    return { matches, total };
  });
  let hypothesisLength = 0;
  let referenceLength = 0;
  for (const { hypothesis, references } of tokenized) {
    hypothesisLength += hypothesis.length;
    referenceLength += closestLength(hypothesis.length, references);
  }

  const penalty = brevityPenalty(hypothesisLength, referenceLength);
  const precisions = smoothedPrecisions(counts, settings);
  // Orders without any n-gram are the longest ones: a text of two words has 1-grams and 2-grams.
  const taken = settings.effectiveOrder
    ? precisions.filter((one) => one !== undefined)
    : precisions;
  const logs = taken.map((precision) => Math.log(precision ?? 0));
  const mean = logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length);
  const matched = counts.some(({ matches }) => matches > 0);
  return {
    score: matched ? 100 * penalty * Math.exp(mean) : 0,
    precisions: precisions.map((precision) => (matched ? 100 * (precision ?? 0) : 0)),
    brevityPenalty: penalty,
    hypothesisLength,
    referenceLength,
    signature: signature(pairs, settings.lowercase, {
      eff: settings.effectiveOrder ? 'yes' : 'no',
      tok: settings.tokenizer,
      smooth:
        settings.smoothingValue === undefined
          ? settings.smoothing
          : `${settings.smoothing}[${settings.smoothingValue.toFixed(2)}]`,
    }),
  };
}

/** Precision of each order, 0 to 1; undefined for an order without n-grams. */
function smoothedPrecisions(
  counts: readonly OrderCounts[],
  { smoothing, smoothingValue = 0 }: Settings,
): (number | undefined)[] {
  let share = 1;
  return counts.map(({ matches, total }, i) => {
    const added = smoothing === 'add-k' && i > 0 ? smoothingValue : 0;
    if (total + added === 0) return undefined;
    if (matches + added > 0) return (matches + added) / (total + added);
    if (smoothing === 'floor') return smoothingValue / total;
    if (smoothing !== 'exp') return 0;
    share /= 2;
    return share / total;
  });
}

/** exp(1 - r/c) when the c tokens of all hypotheses are fewer than the r of references (section 2.3). */
function brevityPenalty(hypothesisLength: number, referenceLength: number): number {
  if (hypothesisLength >= referenceLength) return 1;
  return hypothesisLength === 0 ? 0 : Math.exp(1 - referenceLength / hypothesisLength);
}

/** The reference length nearest to `length`, the shorter of two equally near ones (section 2.2.2). */
function closestLength(length: number, references: readonly (readonly string[])[]): number {
  let closest = Infinity;
  for (const { length: candidate } of references) {
    const nearer = Math.abs(candidate - length) - Math.abs(closest - length);
    if (nearer < 0 || (nearer === 0 && candidate < closest)) closest = candidate;
  }
  return closest;
}

function checkOptions(metric: string, options: BleuOptions, effective: boolean): Settings {
  const known = ['tokenizer', 'smoothing', 'smoothingValue', 'lowercase', 'effectiveOrder'];
  refuseUnknown(options, known, `option of ${metric}`);
  const { tokenizer = '13a', smoothing = 'exp', lowercase = false } = options;
  const { effectiveOrder = effective } = options;
  const tokenizers = Object.keys(bleuTokenizers) as BleuTokenizer[];
  const smoothings = Object.keys(smoothingDefaults) as BleuSmoothing[];
  const method = checkChoice('smoothing', smoothing, smoothings);
  const usual = smoothingDefaults[method];
  if (usual === undefined && options.smoothingValue !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      `smoothingValue has no effect with smoothing "${method}". ` +
        'Leave it out, or choose "floor" or "add-k".',
    );
  }
  const { smoothingValue: value = usual } = options;
  return {
    tokenizer: checkChoice('tokenizer', tokenizer, tokenizers),
    smoothing: method,
    smoothingValue: value === undefined ? undefined : checkPositive('smoothingValue', value),
    lowercase: checkSwitch('lowercase', lowercase),
    effectiveOrder: checkSwitch('effectiveOrder', effectiveOrder),
  };
}
