// Files of a folder with what is said of each: Hugging Face's layouts "imagefolder" and "audiofolder", where a table
// beside the files names them (docs of Hugging Face datasets, "Create an image dataset").

import { throwIfAborted, TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { FileInput } from '../../source/read-bytes.ts';
import { type DataFolder, filesOfFolder, type FolderFile } from '../../source/folder-files.ts';
import { readRecords } from './records.ts';
import { columnsOf, type DataRecord } from './row-parsers.ts';

/** A file, and what its row says. */
export interface DescribedFile {
  readonly path: string;
  readonly file: FileInput;
  readonly row: DataRecord;
  /** Which row that is, for messages. */
  readonly where: string;
}

/** Files of one kind. */
export interface FileKind {
  /** Their names. */
  readonly fits: RegExp;
  /** What one of them is. */
  readonly what: string;
}

/** What a folder holds, read once, whatever is then made of it. */
export interface DescribedFolder {
  /** All files, in the order of their paths. */
  readonly files: readonly FolderFile[];
  /** Those that a table names, in its order; undefined without one. */
  readonly described: readonly DescribedFile[] | undefined;
  readonly kind: FileKind;
}

/** Tables that describe the files beside them. */
const metadata = /^metadata\.(csv|tsv|jsonl|parquet)$/;

/**
 * The files of a folder, and what its table says of those of a kind, each of which is to have its row with a `file_name`.
 * @throws TransformerError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_INVALID naming the row or the file, INPUT_INVALID, ABORTED
 */
export async function describedFolder(
  folder: DataFolder,
  kind: FileKind,
  signal: AbortSignal | undefined,
): Promise<DescribedFolder> {
  throwIfAborted(signal);
  const files = await filesOfFolder(folder);
  return { files, described: await describedFiles(files, kind, signal), kind };
}

async function describedFiles(
  files: readonly FolderFile[],
  { fits }: FileKind,
  signal: AbortSignal | undefined,
): Promise<DescribedFile[] | undefined> {
  const tables = files.filter(({ path }) => metadata.test(path));
  const [table, second] = tables;
  if (table === undefined) return undefined;
  if (second !== undefined) {
    throw new TransformerError(
      'FILE_INVALID',
      `The folder has ${table.path} and ${second.path}. Leave one of them.`,
    );
  }
  const options = { columns: ['file_name'], ...(signal && { signal }) };
  const rows = await readRecords(table.file, options);
  const wheres = rows.map((_, index) => `Row ${index + 1} of ${table.path}`);
  const named = rows.map((row, index) => ({ path: row['file_name'], where: wheres[index] ?? '' }));
  return filesNamed(files, named, { table: table.path, fits }).map((found, index) => ({
    ...found,
    row: rows[index] ?? {},
    where: wheres[index] ?? '',
  }));
}

/**
 * The files of a folder that a table names, one for each of `named`; all that fit are to be among them.
 * Errors: FILE_INVALID, saying where.
 */
export function filesNamed(
  files: readonly FolderFile[],
  named: readonly { readonly path: unknown; readonly where: string }[],
  { table, fits }: { readonly table: string; readonly fits: RegExp },
): FolderFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found = named.map(({ path: given, where }) => {
    const path = String(given).replace(/^\.\//, '');
    const file = byPath.get(path);
    if (file !== undefined) return file;
    throw new TransformerError(
      'FILE_INVALID',
      `${where} names ${show(path)}, which is not in the folder. Names are paths from the table on.`,
    );
  });
  const all = new Set(found.map(({ path }) => path));
  const left = files.find(({ path }) => fits.test(path) && !all.has(path));
  if (left === undefined) return found;
  throw new TransformerError(
    'FILE_INVALID',
    `${table} has no row for ${show(left.path)}. Add one, or take the file out of the folder.`,
  );
}

/** What the row of a file says in a column. Errors: FILE_INVALID where it says nothing there. */
export function columnOf({ row, where }: DescribedFile, column: string): unknown {
  const value = row[column] ?? undefined;
  if (value !== undefined) return value;
  const message = `${where} has no ${show(column)}; it has ${columnsOf(row)}.`;
  throw new TransformerError('FILE_INVALID', message);
}
