// All files of a folder of data, wherever it is.

import { fieldOf, isA, TransformerError } from '../runtime/errors.ts';
import type { Platform } from '../runtime/platform-types.ts';
import { show } from '../runtime/print.ts';
import { type Files, pathsOf } from './file-source.ts';

/** The path of a folder (Node), or its files: those that a page got from `<input type="file" webkitdirectory>`, say. */
export type DataFolder = string | URL | Files;

export interface FolderFile {
  /** Where it is in the folder, with `/`. */
  readonly path: string;
  readonly file: string | Platform<'File'>;
}

let listFiles: ((folder: string | URL) => Promise<FolderFile[]>) | undefined;

/** Registers how a platform lists folders. */
export function registerFolderLister(list: (folder: string | URL) => Promise<FolderFile[]>): void {
  listFiles = list;
}

/** All files of a folder, in the order of their paths; hidden ones are left out. Errors: FILE_NOT_FOUND, INPUT_INVALID. */
export async function filesOfFolder(folder: DataFolder): Promise<FolderFile[]> {
  const files = await listed(folder);
  // As Hugging Face's datasets has it: notes of systems and tools lie in the folders of people.
  const seen = files.filter(({ path }) => !/(^|\/)(\.|__)/.test(path));
  return seen.toSorted((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}

async function listed(folder: DataFolder): Promise<FolderFile[]> {
  if ((typeof folder === 'string' && folder.trim() !== '') || isA(folder, URL)) {
    if (listFiles !== undefined && !/^(https?|hf|blob|data):/i.test(String(folder))) {
      return listFiles(folder);
    }
  } else if (typeof folder !== 'string' && Number.isSafeInteger(fieldOf(folder, 'length'))) {
    // Paths of a folder that was chosen begin with its name.
    const inFolder = (path: string): string => path.replace(/^[^/]*\//, '');
    return pathsOf(folder).map(([path, file]) => ({ path: inFolder(path), file }));
  }
  const place = isA(folder, URL) ? String(folder) : folder;
  throw new TransformerError(
    'INPUT_INVALID',
    `The folder is ${show(place)}; wanted its path (Node), or a list of its files.`,
  );
}
