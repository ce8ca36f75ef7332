// Rows of data as people have them in files.

import { isListOf } from '../../runtime/lists.ts';
import { refuseUnknown, throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import { parseJson, show } from '../../source/json.ts';
import { type FileInput, isFileInput, nameOf, readBytes } from '../../source/read-bytes.ts';
import { invalidOption } from '../check.ts';
import { columnsOf, type DataRecord, recordOf, rowParser } from './row-parsers.ts';
import {
  decodedPieces,
  isStreamInput,
  type StreamInput,
  streamName,
  streamPieces,
} from './text-stream.ts';

export type { DataRecord } from './row-parsers.ts';

/** How a file holds rows: a JSON value a line, a JSON list, columns under a header, a text a line, or Parquet. */
export type RecordFormat = 'jsonl' | 'json' | 'csv' | 'tsv' | 'text' | 'parquet';

/** How a table or list of records is read. */
export interface RecordOptions {
  /** By the end of the file's name when absent: .jsonl, .ndjson, .json, .csv, .tsv, .txt or .parquet. */
  format?: RecordFormat;
  /** Columns that each row must have. */
  columns?: readonly string[];
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

const byEnding: Readonly<Record<string, RecordFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  txt: 'text',
  parquet: 'parquet',
};
const formats: readonly RecordFormat[] = ['jsonl', 'json', 'csv', 'tsv', 'text', 'parquet'];

/**
 * The rows of a file: a path (Node), a URL, a `Blob` or `File`, or its bytes; texts in UTF-8. Empty lines count for
 * nothing. Numbers in columns of CSV and TSV stay texts; Parquet's columns of bytes stay bytes.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID with the line, OPTION_*, ABORTED
 */
export async function readRecords(
  input: FileInput,
  options: RecordOptions = {},
): Promise<DataRecord[]> {
  const columns = checkOptions(options, 'readRecords');
  if (!isFileInput(input)) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The file is ${show(input)}; wanted a path, a URL, a Blob or File, or bytes.`,
    );
  }
  const file = nameOf(input);
  const format = formatOf(file, options.format);
  const bytes = await readBytes(input, options.signal);
  const rows: DataRecord[] = [];
  for await (const some of checked(rowsOf(bytes, format, file), columns, file)) {
    for (const row of some) rows.push(row);
  }
  if (rows.length === 0) throw noRows(file);
  return rows;
}

/**
 * The rows of a file one by one, as they come, without holding the whole: of what `readRecords` reads, of what `fetch`
 * resolves with, or of a stream of bytes or texts (`format` says of what). Of Parquet and JSON lists there is no beginning
 * without the end.
 * @throws TransformerError as `readRecords`, with the rows before given already; INPUT_INVALID for a stream that is read
 *   elsewhere
 * @example
 * for await (const { text } of streamRecords(await fetch('https://host/texts.jsonl'))) console.log(text);
 */
export async function* streamRecords(
  input: StreamInput,
  options: RecordOptions = {},
): AsyncGenerator<DataRecord, void, undefined> {
  const columns = checkOptions(options, 'streamRecords');
  if (!isStreamInput(input)) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The rows are ${show(input)}; wanted a path, a URL, a Blob or File, bytes, a Response or a ReadableStream.`,
    );
  }
  const file = streamName(input);
  const format = formatOf(file, options.format);
  if (format === 'json' || format === 'parquet') {
    throw new TransformerError(
      'OPTION_INVALID',
      `Rows of ${format} are not read one by one. Read them with readRecords, or write them as JSONL.`,
    );
  }
  const texts = decodedPieces(streamPieces(input, options.signal), file);
  let isEmpty = true;
  for await (const rows of checked(rowsOfTexts(texts, format, file), columns, file)) {
    isEmpty &&= rows.length === 0;
    yield* rows;
  }
  if (isEmpty) throw noRows(file);
}

/**
 * The rows of a file, some at a time, and none of one that holds none: lines as they are read; of Parquet, whose bytes are
 * held, a group of rows at once; of JSON all. Errors: as `readRecords`.
 */
export async function* recordPieces(input: string | URL, options: RecordOptions): Pieces {
  const columns = checkOptions(options, 'a file of rows');
  const file = nameOf(input);
  const format = formatOf(file, options.format);
  const { signal } = options;
  const rows =
    format === 'json' || format === 'parquet'
      ? rowsOf(await readBytes(input, signal), format, file)
      : rowsOfTexts(decodedPieces(streamPieces(input, signal), file), format, file);
  yield* checked(rows, columns, file);
}

/** Errors: OPTION_*, ABORTED. */
function checkOptions(options: RecordOptions, name: string): readonly string[] {
  refuseUnknown(options, ['format', 'columns', 'signal'], `option of ${name}`);
  const { columns = [], signal } = options;
  if (!isListOf(columns, (one) => typeof one === 'string')) {
    throw invalidOption('columns', columns, 'a list of names, [ … ]');
  }
  throwIfAborted(signal);
  return columns;
}

function formatOf(file: string, format: unknown): RecordFormat {
  if (format === undefined) {
    const ending = /\.(\w+)(?:[?#].*)?$/.exec(file)?.[1]?.toLowerCase() ?? '';
    const found = Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined;
    if (found !== undefined) return found;
    throw new TransformerError(
      'OPTION_INVALID',
      `${show(file)} does not say what it holds. Pass format: one of ${formats.join(', ')}.`,
    );
  }
  const found = formats.find((name) => name === format);
  if (found !== undefined) return found;
  throw invalidOption('format', format, `one of ${formats.join(', ')}`);
}

type Pieces = AsyncGenerator<readonly DataRecord[], void, undefined>;

async function* rowsOf(bytes: Uint8Array, format: RecordFormat, file: string): Pieces {
  if (format === 'parquet') {
    const { parquetRows } = await import('./parquet.ts');
    yield* parquetRows(bytes, file);
    return;
  }
  const texts = decodedPieces([bytes], file);
  if (format !== 'json') {
    yield* rowsOfTexts(texts, format, file);
    return;
  }
  let text = '';
  for await (const piece of texts) text += piece;
  const value = parseJson(text, file);
  if (Array.isArray(value)) {
    yield value.map((row, index) => recordOf(row, `Row ${index + 1} of ${file}`));
    return;
  }
  throw new TransformerError(
    'FILE_INVALID',
    `${file} is ${show(value, 60)}; wanted a list of objects.`,
  );
}

async function* rowsOfTexts(
  texts: AsyncIterable<string>,
  format: Exclude<RecordFormat, 'json' | 'parquet'>,
  file: string,
): Pieces {
  const parser = await rowParser(format, file);
  let rest = '';
  for await (const text of texts) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield parser.rows(lines);
  }
  yield parser.rows([rest]);
  parser.end();
}

/** Refuses rows without one of the columns. */
async function* checked(pieces: Pieces, columns: readonly string[], file: string): Pieces {
  let count = 0;
  for await (const rows of pieces) {
    for (const row of rows) {
      count += 1;
      const missing = columns.find((name) => (row[name] ?? undefined) === undefined);
      if (missing === undefined) continue;
      throw new TransformerError(
        'FILE_INVALID',
        `Row ${count} of ${file} has no ${show(missing)}; it has ${columnsOf(row)}.`,
      );
    }
    yield rows;
  }
}

function noRows(file: string): TransformerError {
  return new TransformerError('FILE_INVALID', `${file} holds no rows. Write one a line.`);
}
