// A folder on disk to write to. Node only.

import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { checkFileName } from '../source/source.ts';
import type { Target } from '../source/target.ts';
import { TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';
import { folderOf } from './directory-source.ts';

/** Writes begun by this process: two of one file must not share a partial one. */
let writes = 0;

/**
 * A target over a directory, which is made when it is missing. A file is written beside its place,
 * flushed to the disk and then renamed, so that a crash or a full disk leaves the old one.
 */
export function directoryTarget(path: string | URL): Target {
  const folder = folderOf(path);
  return {
    async write(file, bytes): Promise<void> {
      checkFileName(file);
      const place = join(folder, file);
      const partial = `${place}.${process.pid}-${++writes}.partial`;
      try {
        await mkdir(dirname(place), { recursive: true });
        await removeLeft(place);
        const handle = await open(partial, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(partial, place);
      } catch (cause) {
        await rm(partial, { force: true }).catch(() => {});
        const reason = messageOf(cause);
        throw new TransformerError(
          'FILE_UNWRITABLE',
          `${place} could not be written: ${reason}. What stood there before is unchanged.`,
          { cause },
        );
      }
    },
  };
}

/** Removes what processes left of a file that were killed while they wrote it. */
async function removeLeft(place: string): Promise<void> {
  const folder = dirname(place);
  for (const name of await readdir(folder)) {
    const id = /^\.(\d+)-\d+\.partial$/.exec(name.slice(basename(place).length))?.[1];
    if (id === undefined || !name.startsWith(basename(place))) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
    // A process of another machine may write to a shared folder.
    if (isRunning(Number(id)) || Date.now() - mtimeMs < 60_000) continue;
    await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
}

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
