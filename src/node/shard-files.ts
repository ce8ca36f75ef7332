// Files of shards on disk: whether there is one, and what tells its content from others. Node only.

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { folderOf } from './directory-source.ts';
import { WholeFile } from './whole-file.ts';

/** SHA-256 of what comes, as 64 hexadecimal digits. */
export async function sha256(
  pieces: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** The path of a file in a folder, which may be a `file:` URL. Errors: INPUT_INVALID. */
export function pathIn(folder: string | URL, file: string): string {
  return join(folderOf(folder), file);
}

export async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

export { WholeFile };
