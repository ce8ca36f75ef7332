// Where files are written: a folder in Node, or whatever a caller has.

import { TransformerError } from '../runtime/errors.ts';

/**
 * A folder to write files to. A file is there as a whole after `write`, or as it was before: a
 * target must not leave half a file when it fails or the process ends.
 */
export interface Target {
  write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

let openPath: ((path: string) => Target) | undefined;

/** Registers how a platform writes to paths. */
export function registerTargetOpener(open: (path: string) => Target): void {
  openPath = open;
}

/** A target from a path (Node) or from a target itself. */
export function openTarget(target: string | URL | Target): Target {
  if (typeof target === 'object' && 'write' in target) return target;
  if (openPath !== undefined) return openPath(String(target));
  throw new TransformerError(
    'OPTION_INVALID',
    'There are no folders to save to on this platform. Pass { write(file, bytes) } instead.',
  );
}
