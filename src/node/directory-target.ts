// A folder on disk to write to. Node only.

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
