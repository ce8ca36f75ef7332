// Files of a folder with what is said of each: Hugging Face's layouts "imagefolder" and "audiofolder", where a table
// beside the files names them (docs of Hugging Face datasets, "Create an image dataset").

import { TransformerError } from '../../runtime/errors.ts';
import { show } from '../../runtime/print.ts';
import type { FileInput } from '../../source/read-bytes.ts';
import type { FolderFile } from '../../source/folder-files.ts';
import { type DataRecord, readRecords } from './records.ts';

/** A file, and what its row says. */
export interface DescribedFile {
  readonly path: string;
  readonly file: FileInput;
  readonly row: DataRecord;
  /** Which row that is, for messages. */
  readonly where: string;
}

/** Tables that describe the files beside them. */
const metadata = /^metadata\.(csv|tsv|jsonl|parquet)$/;

/**
 * The files that the table of a folder names, in its order; undefined without one. Each row is to have a `file_name` and
 * these `columns`, and each file of a name that `fits` its row.
 * Errors: FILE_INVALID, naming the row or the file.
 */
export async function describedFiles(
  files: readonly FolderFile[],
  { columns, fits, signal }: DescribedOptions,
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
  const options = { columns: ['file_name', ...columns], ...(signal && { signal }) };
  const rows = await readRecords(table.file, options);
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  const described = rows.map((row, index) => {
    const where = `Row ${index + 1} of ${table.path}`;
    const path = String(row['file_name']).replace(/^\.\//, '');
    const file = byPath.get(path);
    if (file !== undefined) return { path, file, row, where };
    throw new TransformerError(
      'FILE_INVALID',
      `${where} names ${show(path)}, which is not in the folder. Names are paths from the table on.`,
    );
  });
  const named = new Set(described.map(({ path }) => path));
  const left = files.find(({ path }) => fits.test(path) && !named.has(path));
  if (left === undefined) return described;
  throw new TransformerError(
    'FILE_INVALID',
    `${table.path} has no row for ${show(left.path)}. Add one, or take the file out of the folder.`,
  );
}

interface DescribedOptions {
  readonly columns: readonly string[];
  readonly fits: RegExp;
  readonly signal: AbortSignal | undefined;
}
