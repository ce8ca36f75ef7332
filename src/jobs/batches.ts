// Rows in batches of about one length, the longest of a window first.

import { TransformerError } from '../runtime/errors.ts';
import { pauses } from '../tasks/batches.ts';
import type { Halves } from '../tasks/halves.ts';
import type { ShardRow } from './rows.ts';

/** What a function over shards does with a row. */
export interface BatchTask<Input, Row, Result> {
  readonly halves: Halves<Input, Row, Result>;
  /** How long an input is beside others, before its tokens are known. */
  readonly lengthOf: (input: Input) => number;
  /** Tokens that a row takes of a batch, and those that count for the model's limit. */
  readonly tokensOf: (row: Row) => number;
  /** Rows of a batch at most. */
  readonly rows?: number;
}

/** Rows that were sorted together, with the results that are there. */
export interface Window<Input, Result> {
  readonly rows: readonly ShardRow<Input>[];
  readonly results: Result[];
  /** Rows whose results are not there yet. */
  left: number;
}

/** What goes through the model at once. */
export interface Batch<Input, Row, Result> {
  readonly window: Window<Input, Result>;
  /** Where its rows stand in the window. */
  readonly places: readonly number[];
  readonly rows: readonly Row[];
}

/** Encodes row after row, batch after batch. Errors: INPUT_INVALID, FILE_*, ABORTED. */
export async function* batchesOf<Input, Row, Result>(
  windows: AsyncIterable<readonly ShardRow<Input>[]>,
  task: BatchTask<Input, Row, Result>,
  tokens: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch<Input, Row, Result>, void, undefined> {
  const pause = pauses(signal);
  const mostRows = Math.min(task.rows ?? Infinity, task.halves.rows ?? Infinity);
  for await (const rows of windows) {
    const window: Window<Input, Result> = { rows, results: [], left: rows.length };
    let places: number[] = [];
    let encoded: Row[] = [];
    let longest = 0;
    for (const [place, row] of longestFirst(rows, task.lengthOf)) {
      const one = await encodedRow(row, task);
      const size = task.tokensOf(one);
      longest = Math.max(longest, size);
      const isFull = longest * (places.length + 1) > tokens || places.length >= mostRows;
      if (isFull && places.length > 0) {
        yield { window, places, rows: encoded };
        [places, encoded, longest] = [[], [], size];
      }
      places.push(place);
      encoded.push(one);
      await pause();
    }
    yield { window, places, rows: encoded };
  }
}

function longestFirst<Input>(
  rows: readonly ShardRow<Input>[],
  lengthOf: (input: Input) => number,
): [number, ShardRow<Input>][] {
  const lengths = rows.map(({ input }) => lengthOf(input));
  return [...rows.entries()].toSorted(([a], [b]) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
}

/** A row as the model takes it; what is wrong with it names the row. */
async function encodedRow<Input, Row>(
  { input, where }: ShardRow<Input>,
  { halves, tokensOf }: BatchTask<Input, Row, unknown>,
): Promise<Row> {
  let row: Row;
  try {
    row = await halves.encode(input);
  } catch (cause) {
    if (!(cause instanceof TransformerError) || cause.code === 'ABORTED') throw cause;
    throw new TransformerError(cause.code, `${where}: ${cause.message}`, { cause });
  }
  const count = tokensOf(row);
  if (count <= halves.limit) return row;
  throw new TransformerError(
    'INPUT_INVALID',
    `${where} takes ${count} tokens; this model reads ${halves.limit}. Shorten it, or leave it out.`,
  );
}
