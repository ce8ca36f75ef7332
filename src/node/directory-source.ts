// A model folder on disk. Node only.

import { constants, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { hubHint } from '../source/open-source.ts';
import { checkFileName, type FileRange, type Source } from '../source/source.ts';
import { nearestName, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { messageOf, show } from '../runtime/print.ts';

/** Bytes of one system call; the operating system allows less than 2 GiB. */
const MAX_CALL = 2 ** 30;

/**
 * A source over a directory: a path or a `file:` URL. Links inside it are followed. Throws
 * `FILE_NOT_FOUND` at the first read when it is no directory.
 */
export function directorySource(path: string | URL): Source {
  const folder = folderOf(path);
  let isEmpty = false;
  const look = <T>(work: () => Promise<T>): Promise<T | undefined> =>
    unlessMissing(work, async () => {
      isEmpty = await requireDirectory(String(path), folder);
    });
  return {
    name: folder,

    explain: () => (isEmpty ? 'The folder is empty.' : undefined),

    async read(file, range, signal): Promise<Uint8Array | undefined> {
      checkFileName(file);
      return look(() => readBytes(join(folder, file), range, signal));
    },

    async size(file): Promise<number | undefined> {
      checkFileName(file);
      return look(async () => (await stat(join(folder, file))).size);
    },

    async list(): Promise<string[] | undefined> {
      return readdir(folder).catch(() => undefined);
    },
  };
}

/** Where a path or a `file:` URL leads. Errors: INPUT_INVALID. */
export function folderOf(path: string | URL): string {
  try {
    const isUrl = path instanceof URL || path.startsWith('file:');
    return resolve(isUrl ? fileURLToPath(path) : path);
  } catch (cause) {
    throw new TransformerError(
      'INPUT_INVALID',
      `${show(path)} is no folder: ${messageOf(cause)}. Pass a path or a file: URL.`,
      { cause },
    );
  }
}

/** The bytes of a range that the file has; only those are read. */
async function readBytes(
  path: string,
  range: FileRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  // Without waiting for what would write to it, if it is a pipe.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await handle.stat();
    if (!about.isFile() && !about.isDirectory())
      throw new Error('it is no file but a device or pipe');
    const { size } = about;
    const start = Math.min(range?.start ?? 0, size);
    const bytes = new Uint8Array(Math.min(range?.end ?? size, size) - start);
    let filled = 0;
    while (filled < bytes.length) {
      throwIfAborted(signal);
      const length = Math.min(bytes.length - filled, MAX_CALL);
      const { bytesRead } = await handle.read(bytes, filled, length, start + filled);
      // The file became shorter since its size was asked.
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** The result, or undefined for a missing file where `check` does not throw. */
async function unlessMissing<T>(
  work: () => Promise<T>,
  check: () => Promise<void>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    await check();
    return undefined;
  }
}

/** Whether a folder is empty. Errors: FILE_NOT_FOUND when it is none. */
async function requireDirectory(given: string, folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return (await readdir(folder)).length === 0;
  if (found !== undefined) {
    throw new TransformerError(
      'FILE_NOT_FOUND',
      `${folder} is a file, wanted a directory. Pass the directory that holds the model: ${dirname(folder)}.`,
    );
  }
  const parent = dirname(folder);
  const siblings = await readdir(parent, { withFileTypes: true }).catch(() => undefined);
  const names = siblings?.filter((entry) => !entry.isFile()).map((entry) => entry.name) ?? [];
  const nearest = nearestName(basename(folder), names);
  let next = 'Check the path.';
  const hub = hubHint(given);
  const scheme = /^([a-z][a-z\d+.-]+):\/\//i.exec(given)?.[1];
  if (nearest !== undefined) next = `Did you mean ${join(parent, nearest)}?`;
  else if (hub !== undefined) next = hub;
  else if (scheme !== undefined && scheme !== 'file') {
    next = `Models are not read over ${scheme}; pass an http or https address.`;
  } else if (siblings === undefined) next = `${parent} does not exist either. Check the path.`;
  throw new TransformerError('FILE_NOT_FOUND', `There is no directory ${folder}. ${next}`);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null
    ? (error as { code?: unknown }).code
    : undefined;
}
