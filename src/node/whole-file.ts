// A file that is there as a whole or not at all: written beside its place, flushed to the disk, then renamed.

import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';

/** Writes begun by this process: two of one file must not share a partial one. */
let writes = 0;

/** Partial files that this process writes now. */
const own = new Set<string>();

/** This machine in names of files. */
const host = hostname()
  .replaceAll(/[^\w-]/g, '_')
  .slice(0, 40);

/** Milliseconds after which what another machine wrote last counts as left. */
const patience = 24 * 60 * 60_000;

export class WholeFile {
  readonly #place: string;
  readonly #partial: string;
  readonly #handle: FileHandle;
  #length = 0;

  private constructor(place: string, partial: string, handle: FileHandle) {
    this.#place = place;
    this.#partial = partial;
    this.#handle = handle;
  }

  /** Begins a file, in a folder that is made when it is missing. Errors: FILE_UNWRITABLE. */
  static async open(place: string): Promise<WholeFile> {
    const partial = `${place}.${host}.${process.pid}-${++writes}.partial`;
    try {
      await mkdir(dirname(place), { recursive: true });
      await removeLeft(place);
      own.add(partial);
      return new WholeFile(place, partial, await open(partial, 'w'));
    } catch (cause) {
      own.delete(partial);
      throw unwritable(place, cause);
    }
  }

  /** Appends bytes. Errors: FILE_UNWRITABLE. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.overwrite(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes bytes over those from `at` on. Errors: FILE_UNWRITABLE. */
  async overwrite(bytes: Uint8Array, at: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.length - done,
          at + done,
        );
        done += bytesWritten;
      }
    } catch (cause) {
      throw unwritable(this.#place, cause);
    }
  }

  /** Puts the file in its place. Errors: FILE_UNWRITABLE. */
  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#partial, this.#place);
      await syncFolder(dirname(this.#place));
      own.delete(this.#partial);
    } catch (cause) {
      throw unwritable(this.#place, cause);
    }
  }

  /** Takes away what was written. After `finish` it does nothing. */
  async discard(): Promise<void> {
    if (!own.has(this.#partial)) return;
    await this.#handle.close().catch(() => undefined);
    await rm(this.#partial, { force: true }).catch(() => undefined);
    own.delete(this.#partial);
  }
}

function unwritable(place: string, cause: unknown): TransformerError {
  return new TransformerError(
    'FILE_UNWRITABLE',
    `${place} could not be written: ${messageOf(cause)}. What stood there before is unchanged.`,
    { cause },
  );
}

/** Has a new name outlive a loss of power, where the system flushes folders. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Removes what processes left of a file that were killed while they wrote it. */
async function removeLeft(place: string): Promise<void> {
  const folder = dirname(place);
  const start = `${basename(place)}.`;
  for (const name of await readdir(folder)) {
    const partial = join(folder, name);
    const found = /^([\w-]*)\.(\d+)-\d+\.partial$/.exec(name.slice(start.length));
    if (found === null || !name.startsWith(start) || own.has(partial)) continue;
    const [, machine, id] = found;
    // A process of another machine may write to a shared folder.
    if (machine === host ? isRunning(Number(id)) : await isFresh(partial)) continue;
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

async function isFresh(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs < patience;
}

/** Whether a process of this machine runs, other than this one, whose partial files are known. */
function isRunning(id: number): boolean {
  if (id === process.pid) return false;
  try {
    return process.kill(id, 0);
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
