// Rows of data as people have them in files.

import { refuseUnknown, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { isObject, parseJson, show } from '../../source/json.ts';
import { type FileInput, isFileInput, nameOf, readBytes } from '../../source/read-bytes.ts';
import { invalidOption } from '../check.ts';

/** How a file holds rows: a JSON value a line, a JSON list, columns under a header, a text a line, or Parquet. */
export type RecordFormat = 'jsonl' | 'json' | 'csv' | 'tsv' | 'text' | 'parquet';

export interface RecordOptions {
  /** By the end of the file's name when absent: .jsonl, .ndjson, .json, .csv, .tsv, .txt or .parquet. */
  format?: RecordFormat;
  /** Columns that each row must have. */
  columns?: readonly string[];
  signal?: AbortSignal;
}

/** A row by the names of its columns; lines of text have the column `text`. */
export type DataRecord = Readonly<Record<string, unknown>>;

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
  refuseUnknown(options, ['format', 'columns', 'signal'], 'option of readRecords');
  const { columns = [], signal } = options;
  if (!isListOf(columns, (name) => typeof name === 'string')) {
    throw invalidOption('columns', columns, 'a list of names, [ … ]');
  }
  if (!isFileInput(input)) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The file is ${show(input)}; wanted a path, a URL, a Blob or File, or bytes.`,
    );
  }
  const file = nameOf(input);
  const format = formatOf(file, options.format);
  const bytes = await readBytes(input, signal);
  const rows = await rowsOf(bytes, format, file);
  if (rows.length === 0) {
    throw new TransformerError('FILE_INVALID', `${file} holds no rows. Write one a line.`);
  }
  for (const [index, row] of rows.entries()) {
    const missing = columns.find((name) => (row[name] ?? undefined) === undefined);
    if (missing === undefined) continue;
    throw new TransformerError(
      'FILE_INVALID',
      `Row ${index + 1} of ${file} has no ${show(missing)}; it has ` +
        `${
          Object.keys(row)
            .map((name) => show(name))
            .join(', ') || 'nothing'
        }.`,
    );
  }
  return rows;
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

async function rowsOf(
  bytes: Uint8Array,
  format: RecordFormat,
  file: string,
): Promise<DataRecord[]> {
  if (format !== 'parquet') return parsers[format](decoded(bytes, file), file);
  const { parquetRows } = await import('./parquet.ts');
  return parquetRows(bytes, file);
}

function decoded(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const message = `${file} is no text in UTF-8. Save it as UTF-8.`;
    throw new TransformerError('FILE_INVALID', message, { cause });
  }
}

const parsers: Readonly<
  Record<
    Exclude<RecordFormat, 'parquet'>,
    (text: string, file: string) => DataRecord[] | Promise<DataRecord[]>
  >
> = {
  jsonl: (text, file) =>
    lines(text).map(({ line, number }) => {
      const value = parseJson(line, `${file}, line ${number}`);
      return recordOf(value, `${file}, line ${number}`);
    }),
  json: (text, file) => {
    const value = parseJson(text, file);
    if (Array.isArray(value))
      return value.map((row, i) => recordOf(row, `Row ${i + 1} of ${file}`));
    throw new TransformerError(
      'FILE_INVALID',
      `${file} is ${show(value, 60)}; wanted a list of objects.`,
    );
  },
  csv: (text, file) => delimited(text, file, ','),
  tsv: (text, file) => delimited(text, file, '\t'),
  text: (text) => lines(text).map(({ line }) => ({ text: line })),
};

function lines(text: string): { line: string; number: number }[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '');
}

function recordOf(value: unknown, where: string): DataRecord {
  if (isObject(value)) return value;
  throw new TransformerError(
    'FILE_INVALID',
    `${where} is ${show(value, 60)}; wanted an object, such as { "text": "…" }.`,
  );
}

/** Columns between commas or tabs, in quotes where they hold these (RFC 4180). */
async function delimited(text: string, file: string, delimiter: string): Promise<DataRecord[]> {
  const { dsvFormat } = await import('d3-dsv');
  const [header = [], ...rows] = dsvFormat(delimiter)
    .parseRows(text)
    .filter((row) => row.some((cell) => cell !== ''));
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new TransformerError('FILE_INVALID', `${file} names the column ${show(twice)} twice.`);
  }
  return rows.map((row, index) => {
    if (row.length === header.length) {
      return Object.fromEntries(header.map((name, column) => [name, row[column]]));
    }
    throw new TransformerError(
      'FILE_INVALID',
      `Row ${index + 1} of ${file} has ${row.length} columns; its header names ${header.length}. ` +
        'Put what holds the delimiter in quotes.',
    );
  });
}
