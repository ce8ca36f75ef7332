// How large a running batch may be.

import { fieldsOf, refuseUnknown, TransformerError } from '../../../runtime/errors.ts';
import { show } from '../../../runtime/print.ts';
import type { GenerateOptions } from '../options.ts';

/** How large a running batch may be. */
export interface BatchOptions {
  /** Sequences that go on in the same steps at most; 16 when absent. */
  maxSequences?: number;
  /**
   * Tokens of a sequence, its prompt included, and of a source; longer ones run alone. What the model reads, up to 4,096,
   * when absent.
   */
  maxLength?: number;
  /**
   * Tokens of all sequences in the cache at most, and as many of all sources; room for `maxSequences` of `maxLength` when
   * absent.
   */
  maxTokens?: number;
}

/** What a call to a running batch may ask for. */
export interface BatchStreamOptions extends GenerateOptions {
  /**
   * With each token comes the logarithm of the probability that the model itself gave it, before temperature, penalties
   * and filters, and so many of the likeliest in its place, 20 at most. Calls that run alone do not have it.
   */
  topLogProbs?: number;
}

/** The same, read. */
export interface BatchSizes {
  readonly rows: number;
  readonly length: number;
  readonly tokens: number;
}

/** Positions that a batch has by default at most. */
const usualLength = 4096;
/** Sequences of a batch at most. */
const mostRows = 256;

/** @throws TransformerError OPTION_INVALID for what is no whole number above 0, or too large */
export function batchSizes(options: BatchOptions, maxPositions: number): BatchSizes {
  fieldsOf(options, 'The object of options');
  refuseUnknown(options, ['maxSequences', 'maxLength', 'maxTokens'], 'option of a batch');
  const whole = (name: keyof BatchOptions, most: number, usual: number): number => {
    const { [name]: value = usual } = options;
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    const to = most === Infinity ? '' : ` and at most ${most}`;
    const wanted = `a whole number of at least 1${to}`;
    throw new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
  };
  const rows = whole('maxSequences', mostRows, 16);
  const length = whole('maxLength', maxPositions, Math.min(maxPositions, usualLength));
  return { rows, length, tokens: whole('maxTokens', 2 ** 31, rows * length) };
}

/** The likeliest tokens that a call may ask for at most. */
export const mostLikely = 20;

/** What is the batch's, and what is generation's. Errors: OPTION_INVALID. */
export function withoutTop(given: BatchStreamOptions): {
  readonly topLogProbs: number | undefined;
  readonly options: GenerateOptions;
} {
  fieldsOf(given, 'The object of options');
  const { topLogProbs, ...options } = given;
  const isKnown =
    topLogProbs === undefined ||
    (Number.isInteger(topLogProbs) && topLogProbs >= 0 && topLogProbs <= mostLikely);
  if (isKnown) return { topLogProbs, options };
  throw new TransformerError(
    'OPTION_INVALID',
    `topLogProbs is ${show(topLogProbs)}; wanted a whole number from 0 to ${mostLikely}.`,
  );
}
