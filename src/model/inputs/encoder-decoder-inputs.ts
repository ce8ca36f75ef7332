// What a decoder begins with beside an encoder.

import { TransformerError } from '../../runtime/errors.ts';
import type { TokenBatch } from './inputs.ts';

/** What a target begins with, and what fills it up. */
export interface StartTokens {
  readonly startToken: number;
  readonly padToken: number;
}

/** The decoder's input that follows from labels: they are moved one place to the right. */
export function targetOf(labels: TokenBatch, start: () => StartTokens): TokenBatch {
  const { startToken, padToken } = start();
  return movedRight(labels, startToken, (id) => (id < 0 ? padToken : id));
}

/** The rows behind a token, each without its last one. */
export function movedRight(
  { rows, ...size }: TokenBatch,
  first: number,
  read: (id: number) => number = (id) => id,
): TokenBatch {
  return { ...size, rows: rows.map((row) => [first, ...row.slice(0, -1).map(read)]) };
}

/** Refuses another number of targets than of sources. */
export function sameBatch(source: number, target: number, names: readonly [string, string]): void {
  if (source === target) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `${names[0]} has ${source} rows, ${names[1]} has ${target}. Pass as many of each.`,
  );
}
