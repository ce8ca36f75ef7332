// A folder on disk to write to. Node only.

import { join } from 'node:path';

import { checkFileName } from '../source/source.ts';
import type { Target } from '../source/target.ts';
import { folderOf } from './directory-source.ts';
import { WholeFile } from './whole-file.ts';

/**
 * A target over a directory, which is made when it is missing. A file is written beside its place,
 * flushed to the disk and then renamed, so that a crash or a full disk leaves the old one.
 */
export function directoryTarget(path: string | URL): Target {
  const folder = folderOf(path);
  return {
    async write(file, bytes): Promise<void> {
      checkFileName(file);
      const whole = await WholeFile.open(join(folder, file));
      try {
        await whole.write(bytes);
        await whole.finish();
      } finally {
        await whole.discard();
      }
    },
  };
}
