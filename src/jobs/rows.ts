// The rows of a shard, a window of them at a time.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { type DataRecord, recordPieces } from '../training/data/records.ts';
import type { ShardSettings } from './options.ts';

/** What names a row in the output. */
export type RowId = string | number;

/** A row, and what the task takes of it. */
export interface ShardRow<Input> {
  readonly id: RowId;
  readonly input: Input;
  /** Which row that is, for messages. */
  readonly where: string;
}

/** The rows in the order of the file. Errors: FILE_*, naming the row or the line; ABORTED. */
export async function* windowsOf<Input>(
  shard: string | URL,
  { column, id, inputFormat, window, signal }: ShardSettings,
  inputOf: (row: DataRecord, where: string) => Input,
): AsyncGenerator<readonly ShardRow<Input>[], void, undefined> {
  const columns = [column, ...(id === undefined ? [] : [id])];
  const format = inputFormat === undefined ? {} : { format: inputFormat };
  let rows: ShardRow<Input>[] = [];
  let number = 0;
  for await (const some of recordPieces(shard, { columns, ...format, ...(signal && { signal }) })) {
    for (const row of some) {
      const where = `Row ${number + 1} of ${String(shard)}`;
      const name = id === undefined ? number : rowId(row[id], id, where);
      rows.push({ id: name, input: inputOf(row, where), where });
      number += 1;
      if (rows.length < window) continue;
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

function rowId(value: unknown, column: string, where: string): RowId {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) {
    return value;
  }
  throw wrongCell(where, column, value, 'a text or a number that names the row');
}

/** A text in a column. Errors: FILE_INVALID. */
export function textIn(row: DataRecord, column: string, where: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw wrongCell(where, column, value, 'a text');
}

/** The error of a value that a column should not have. */
export function wrongCell(
  where: string,
  column: string,
  value: unknown,
  wanted: string,
): TransformerError {
  return new TransformerError(
    'FILE_INVALID',
    `${where} has ${show(value, 60)} as ${show(column)}; wanted ${wanted}.`,
  );
}
