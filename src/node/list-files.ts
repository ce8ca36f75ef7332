// All files of a folder and of those in it. Node only.

import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';
import type { FolderFile } from '../source/folder-files.ts';
import { folderOf } from './directory-source.ts';

/** Links are followed, but for those that lead to a folder around them. Errors: FILE_NOT_FOUND, INPUT_INVALID. */
export async function listFiles(path: string | URL): Promise<FolderFile[]> {
  const folder = folderOf(path);
  try {
    return await filesIn(folder, '', []);
  } catch (cause) {
    const message = `The folder ${folder} cannot be read: ${messageOf(cause)}. Check the path.`;
    throw new TransformerError('FILE_NOT_FOUND', message, { cause });
  }
}

async function filesIn(
  folder: string,
  prefix: string,
  around: readonly string[],
): Promise<FolderFile[]> {
  const here = await realpath(folder);
  if (around.includes(here)) return [];
  const files: FolderFile[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = join(folder, entry.name);
    const path = prefix + entry.name;
    const kind = entry.isSymbolicLink() ? await stat(place) : entry;
    if (kind.isDirectory()) files.push(...(await filesIn(place, `${path}/`, [...around, here])));
    else if (kind.isFile()) files.push({ path, file: place });
  }
  return files;
}
