// A shard from its file to the file of its results.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { isThere, pathIn, WholeFile } from '../node/shard-files.ts';
import type { DataRecord } from '../training/data/records.ts';
import { type BatchTask, batchesOf, type Window } from './batches.ts';
import { checkPlace, type ShardResult, type ShardSettings } from './options.ts';
import { outputName } from './output-name.ts';
import { windowsOf } from './rows.ts';
import { type Cells, type Column, openWriter, type RowWriter } from './writers.ts';

/** A function over shards. */
export interface ShardTask<Input, Row, Result> extends BatchTask<Input, Row, Result> {
  /** What the task takes of a row. Errors: FILE_INVALID. */
  readonly inputOf: (row: DataRecord, where: string) => Input;
  /** What is written besides the row's id, and how it is read off a result. Errors: VALIDATION_FAILED. */
  readonly columns: readonly Column[];
  readonly cellsOf: (result: Result, where: string) => Cells;
  /** What the pipeline was asked for: the output is named after it. */
  readonly pipelineOptions: unknown;
}

/** Writes the results of a shard. Errors: those of the functions over shards. */
export async function runShard<Input, Row, Result>(
  input: string | URL,
  output: string | URL,
  settings: ShardSettings,
  task: ShardTask<Input, Row, Result>,
): Promise<ShardResult> {
  checkPlace('The shard', input);
  checkPlace('The folder of outputs', output);
  const { format, id, resume, signal } = settings;
  throwIfAborted(signal);
  const path = pathIn(output, await outputName(input, settings, task.pipelineOptions));
  if (await isThere(path)) {
    if (resume) return { path, status: 'kept' };
    throw new TransformerError(
      'FILE_UNWRITABLE',
      `${path} is there already. Pass resume: true to keep such outputs, or remove it.`,
    );
  }
  const file = await WholeFile.open(path);
  try {
    const ids = id === undefined ? 'numbers' : 'texts';
    const writer = await openWriter(format, file, task.columns, ids);
    const rows = await writeResults(input, settings, task, writer);
    await writer.end();
    throwIfAborted(signal);
    await file.finish();
    return { path, status: 'written', rows };
  } finally {
    await file.discard();
  }
}

/** While the model has a batch, the next one is encoded. Result: the number of rows. */
async function writeResults<Input, Row, Result>(
  input: string | URL,
  settings: ShardSettings,
  task: ShardTask<Input, Row, Result>,
  writer: RowWriter,
): Promise<number> {
  const { batchTokens, signal, onProgress } = settings;
  const windows = windowsOf(input, settings, task.inputOf);
  const batches = batchesOf(windows, task, batchTokens, signal);
  let finished = 0;
  let next = batches.next();
  try {
    for (;;) {
      const { done, value: batch } = await next;
      if (done === true) return finished;
      const running = task.halves.run(batch.rows);
      next = batches.next();
      // Looked at once the batch before is through.
      next.catch(() => undefined);
      const { window, places } = batch;
      for (const [at, result] of (await running).entries()) {
        window.results[places[at] ?? 0] = result;
      }
      window.left -= places.length;
      if (window.left === 0) await writer.write(outputRows(window, task));
      finished += places.length;
      onProgress?.({ rows: finished });
    }
  } finally {
    await batches.return();
  }
}

function outputRows<Input, Row, Result>(
  { rows, results }: Window<Input, Result>,
  { cellsOf }: ShardTask<Input, Row, Result>,
): Parameters<RowWriter['write']>[0] {
  return rows.flatMap(({ id, where }, place) => {
    const result = results[place];
    return result === undefined ? [] : [{ id, cells: cellsOf(result, where) }];
  });
}

/** Refuses what is no number. Errors: VALIDATION_FAILED. */
export function checkNumbers(numbers: ArrayLike<number>, where: string): void {
  let at = 0;
  while (at < numbers.length && Number.isFinite(numbers[at])) at++;
  if (at === numbers.length) return;
  throw new TransformerError(
    'VALIDATION_FAILED',
    `${where} gives a value that is no finite number. Load the model with dtype: 'f32', or try it with check: true.`,
  );
}
