// How large a running batch may be.

import { fieldsOf, refuseUnknown, TransformerError } from '../../../runtime/errors.ts';
import { show } from '../../../runtime/print.ts';

/** How large a running batch may be. */
export interface BatchOptions {
  /** Sequences that go on in the same steps at most; 16 when absent. */
  maxSequences?: number;
  /** Tokens of a sequence, its prompt included; longer ones run alone. What the model reads, up to 4,096, when absent. */
  maxLength?: number;
  /** Tokens of all sequences in the cache at most; room for `maxSequences` of `maxLength` when absent. */
  maxTokens?: number;
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
