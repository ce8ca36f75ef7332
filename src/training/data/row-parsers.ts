// Rows of texts, as their lines come.

import { TransformerError } from '../../runtime/errors.ts';
import { isObject, parseJson, show } from '../../source/json.ts';

/** A row by the names of its columns; lines of text have the column `text`. */
export type DataRecord = Readonly<Record<string, unknown>>;

/** What the columns of a row are called, for messages. */
export function columnsOf(row: DataRecord): string {
  const names = Object.keys(row).map((name) => show(name));
  return names.join(', ') || 'nothing';
}

/** Forms whose rows stand one behind the other, so that they can be read one by one. */
export type RowFormat = 'jsonl' | 'csv' | 'tsv' | 'text';

/** What makes rows of lines that come in their order. Errors: FILE_INVALID, naming the row. */
export interface RowParser {
  /** The rows that these lines end. Lines may end in `\r`. */
  rows(lines: readonly string[]): DataRecord[];
  /** Whether the end of the file cuts a row off. */
  end(): void;
}

export async function rowParser(format: RowFormat, file: string): Promise<RowParser> {
  if (format === 'csv') return delimitedRows(file, ',');
  if (format === 'tsv') return delimitedRows(file, '\t');
  return lineRows(format, file);
}

/** A row a line; empty ones count for nothing. */
function lineRows(format: 'jsonl' | 'text', file: string): RowParser {
  let number = 0;
  const rowOf = (line: string): DataRecord => {
    if (format === 'text') return { text: line.replace(/\r$/, '') };
    const where = `${file}, line ${number}`;
    return recordOf(parseJson(line, where), where);
  };
  return {
    rows: (lines) =>
      lines.flatMap((line) => {
        number += 1;
        return line.trim() === '' ? [] : [rowOf(line)];
      }),
    end: () => {},
  };
}

export function recordOf(value: unknown, where: string): DataRecord {
  if (isObject(value)) return value;
  throw new TransformerError(
    'FILE_INVALID',
    `${where} is ${show(value, 60)}; wanted an object, such as { "text": "…" }.`,
  );
}

/** Columns between commas or tabs, in quotes where they hold these or ends of lines (RFC 4180). */
async function delimitedRows(file: string, delimiter: string): Promise<RowParser> {
  const { dsvFormat } = await import('d3-dsv');
  const table = dsvFormat(delimiter);
  let header: readonly string[] | undefined;
  let number = 0;
  /** Lines of a row whose last column is in quotes that are not closed yet. */
  let open: string[] = [];
  const take = (cells: readonly string[]): DataRecord[] => {
    if (cells.every((cell) => cell === '')) return [];
    if (header === undefined) {
      header = checkHeader(cells, file);
      return [];
    }
    number += 1;
    if (cells.length !== header.length) {
      throw new TransformerError(
        'FILE_INVALID',
        `Row ${number} of ${file} has ${cells.length} columns; its header names ${header.length}. ` +
          'Put what holds the delimiter in quotes.',
      );
    }
    return [Object.fromEntries(header.map((name, column) => [name, cells[column]]))];
  };
  return {
    rows: (lines) =>
      lines.flatMap((line) => {
        // Without a quote of its own a line neither opens nor closes.
        if (open.length > 0 && !line.includes('"')) {
          open.push(line);
          return [];
        }
        const row = open.length > 0 ? [...open, line].join('\n') : line;
        open = endsInQuotes(row, delimiter) ? [row] : [];
        return open.length > 0 ? [] : table.parseRows(row).flatMap(take);
      }),
    end: () => {
      if (open.length === 0) return;
      throw new TransformerError(
        'FILE_INVALID',
        `Row ${number + 1} of ${file} opens a quote that nothing closes: ${show(open.join('\n'))}. ` +
          'Close it, or write two for one.',
      );
    },
  };
}

function checkHeader(names: readonly string[], file: string): readonly string[] {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new TransformerError('FILE_INVALID', `${file} names the column ${show(twice)} twice.`);
}

/** Whether the last column of a row is in quotes, and these are open. */
function endsInQuotes(row: string, delimiter: string): boolean {
  let at = 0;
  for (;;) {
    if (row[at] === '"') {
      const end = closingQuote(row, at + 1);
      if (end === -1) return true;
      at = end + 1;
    }
    const next = row.indexOf(delimiter, at);
    if (next === -1) return false;
    at = next + 1;
  }
}

/** The quote that ends what is quoted; two of them stand for one. */
function closingQuote(row: string, from: number): number {
  let at = row.indexOf('"', from);
  while (at !== -1 && row[at + 1] === '"') at = row.indexOf('"', at + 2);
  return at;
}
