// Token rows of any lengths through a model: sorted by length, padded, in batches that fit memory,
// results in the order of the rows.

import type { DenseTensor } from '../model/inputs/inputs.ts';
import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { TaskInputs, TaskOutput, TaskParts, TextParts } from './task.ts';

export interface TokenRow {
  readonly ids: readonly number[];
  readonly typeIds?: readonly number[];
}

/** Milliseconds of work on texts, after which others get their turn. */
const turn = 20;

/**
 * Works on texts one after the other. From time to time the event loop goes round, so that a page stays
 * alive, and the signal is looked at. Errors: AbortError.
 */
export async function eachText<Text, Result>(
  texts: readonly Text[],
  signal: AbortSignal | undefined,
  work: (text: Text, index: number) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const pause = pauses(signal);
  throwIfAborted(signal);
  for (const [index, text] of texts.entries()) {
    results.push(await work(text, index));
    await pause();
  }
  return results;
}

/** What to wait for between pieces of work: it lets the event loop go round from time to time. Errors: AbortError. */
export function pauses(signal: AbortSignal | undefined): () => Promise<void> {
  let start = performance.now();
  return async () => {
    if (performance.now() - start >= turn) {
      await new Promise((resolve) => {
        setTimeout(resolve);
      });
      start = performance.now();
    }
    throwIfAborted(signal);
  };
}

/** Results by a number of their rows, such as the text they belong to. */
export function grouped<Row, Result>(
  results: readonly Result[],
  rows: readonly Row[],
  indexOf: (row: Row) => number,
): Result[][] {
  const groups: Result[][] = [];
  for (const [at, result] of results.entries()) {
    const row = rows[at];
    if (row !== undefined) (groups[indexOf(row)] ??= []).push(result);
  }
  return groups;
}

export interface BatchLimits {
  /** Tokens of a batch at most, padding included; a longer row makes a batch of its own. */
  readonly tokens: number;
  /** Rows of a batch at most. */
  readonly rows?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `work` on batches of rows of about one length, the longest rows first. */
export async function inBatches<Row extends TokenRow, Result>(
  rows: readonly Row[],
  { tokens, rows: mostRows = Infinity, signal }: BatchLimits,
  work: (batch: readonly Row[]) => Promise<Result[]>,
): Promise<Result[]> {
  const order = rows
    .map((row, index) => ({ row, index }))
    .toSorted((a, b) => b.row.ids.length - a.row.ids.length);
  const results: Result[] = [];
  for (let first = 0; first < order.length;) {
    throwIfAborted(signal);
    const longest = order[first]?.row.ids.length ?? 1;
    const size = Math.max(1, Math.min(mostRows, Math.floor(tokens / longest)));
    const batch = order.slice(first, first + size);
    const found = await work(batch.map(({ row }) => row));
    for (const [at, { index }] of batch.entries()) results[index] = found[at] as Result;
    first += size;
  }
  return results;
}

/** Rows of one length, at least `least`, with their mask, which hides what fills a row. */
export function padRows(
  { model, tokenizer }: TextParts,
  rows: readonly TokenRow[],
  side: 'left' | 'right' = 'right',
  least = 0,
): TaskInputs {
  const { pad_token_id: pad, type_vocab_size: types } = model.config;
  const padToken = tokenizer.padToken ?? (typeof pad === 'number' ? pad : 0);
  const length = rows.reduce((most, { ids }) => Math.max(most, ids.length), least);
  const fill = (row: readonly number[], value: number): number[] => {
    const rest = Array<number>(length - row.length).fill(value);
    return side === 'left' ? [...rest, ...row] : [...row, ...rest];
  };
  return {
    inputIds: rows.map(({ ids }) => fill(ids, padToken)),
    attentionMask: rows.map(({ ids }) =>
      fill(
        ids.map(() => 1),
        0,
      ),
    ),
    ...(Number(types) > 1 && {
      tokenTypeIds: rows.map(({ ids, typeIds }) => fill(typeIds ?? ids.map(() => 0), 0)),
    }),
  };
}

export interface ForwardRows {
  /** The task, for messages. */
  readonly task: string;
  /** Numbers that come back for a token; it bounds the memory of a batch. */
  readonly width?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs every row through `forward`; `take` reads the result of row `at` of its batch. */
export async function forwardRows<Row extends TokenRow, Result>(
  parts: TaskParts,
  rows: readonly Row[],
  { task, width = 1, signal }: ForwardRows,
  take: (read: ReadOutput, row: Row) => Result,
): Promise<Result[]> {
  // At most 64 MiB of results, and 8192 tokens.
  const tokens = Math.min(8192, 2 ** 24 / width);
  return inBatches(rows, { tokens, signal }, async (batch) => {
    const output = await parts.model.forward(padRows(parts, batch), signal ? { signal } : {});
    return batch.map((row, at) => take((...names) => entryOf(output, names, at, task), row));
  });
}

/** What a task reads of an output: the first of these that the model gives. */
export type ReadOutput = (...names: readonly (keyof TaskOutput)[]) => DenseTensor;

/** Reads entry `at` of an output along its first axis. Errors: MODEL_UNSUPPORTED where the model gives none. */
export function entryOf(
  output: TaskOutput,
  names: readonly (keyof TaskOutput)[],
  at: number,
  task: string,
): DenseTensor {
  const tensor = names.map((name) => output[name]).find((found) => found !== undefined);
  if (tensor === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `This model gives no ${names.join(' and no ')}, which ${task} needs. Load a checkpoint made for this task.`,
    );
  }
  const shape = tensor.shape.slice(1);
  const size = shape.reduce((product, n) => product * n, 1);
  return { data: tensor.data.subarray(at * size, (at + 1) * size), shape };
}
