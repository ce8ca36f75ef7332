// Where files are written: a folder in Node, or whatever a caller has.

import { hasMethod, isA, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

/**
 * A folder to write files to. A file is there as a whole after `write`, or as it was before: a
 * target must not leave half a file when it fails or the process ends.
 */
export interface Target {
  /** Writes a whole file in place of one of this name. A rejection fails the save. */
  write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A file to write. */
export interface NamedFile {
  /** Its name in the folder. */
  readonly name: string;
  /** All that it holds. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

let openPath: ((path: string) => Target) | undefined;

/** Registers how a platform writes to paths. */
export function registerTargetOpener(open: (path: string) => Target): void {
  openPath = open;
}

/** A target from a path (Node) or from a target itself. */
export function openTarget(target: string | URL | Target): Target {
  checkTarget(target);
  if (typeof target === 'object' && 'write' in target) return target;
  if (openPath !== undefined) return openPath(String(target));
  throw new TransformerError(
    'OPTION_INVALID',
    'There are no folders to save to on this platform. Pass { write(file, bytes) } instead.',
  );
}

/** Refuses what names no place. Errors: INPUT_INVALID. */
function checkTarget(target: unknown): void {
  if ((typeof target === 'string' && target.trim() !== '') || isA(target, URL)) return;
  if (hasMethod(target, 'write')) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `No place to save to is named, but ${show(target)}. Pass a folder (Node) or { write(file, bytes) }.`,
  );
}
