// What is kept of a file is used again only while it makes sense.

import { TransformerError } from '../runtime/errors.ts';
import type { Source } from './source.ts';

/** Work on what was read of a file. Where it finds that invalid, it is not kept for the next load. */
export async function trusting<T>(
  source: Source,
  file: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await distrust(source, file, error);
    throw error;
  }
}

/** Lets go of what is kept of a file, or of settings in general, where an error says it is invalid. */
export async function distrust(
  source: Source,
  file: string | undefined,
  error: unknown,
): Promise<void> {
  const { code } = error instanceof TransformerError ? error : {};
  if (code !== 'FILE_INVALID' && code !== 'CONFIG_INVALID') return;
  await source.discard?.(file).catch(() => undefined);
}
