// What is kept of models.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { messageOf } from '../runtime/print.ts';
import {
  checkSourceOptions,
  findCache,
  isRemote,
  KeptSource,
  type ModelSource,
  openSource,
  openStore,
  type SourceOptions,
  sourceOptions,
} from './open-source.ts';
import { openSafetensors } from './safetensors.ts';
import { requireJson, type Source } from './source.ts';

/**
 * Whether `loadModel` with `offline: true` would find config.json and all weights. True for what
 * needs no network at all.
 */
export async function isCached(source: ModelSource, options: SourceOptions = {}): Promise<boolean> {
  const files = openCached(source, options, 'isCached');
  if (!(files instanceof KeptSource)) return !isRemote(files);
  try {
    await requireJson(files, 'config.json');
    const tensors = await openSafetensors(files);
    const weights = new Set([...tensors.values()].map(({ file }) => file));
    const kept = await files.open();
    for (const file of weights) if (!(await kept.isWhole(file))) return false;
    return true;
  } catch (error) {
    if (error instanceof TransformerError && error.code.startsWith('FILE_')) return false;
    throw error;
  }
}

/**
 * Removes what is kept of a source, or of all.
 * @throws TransformerError FILE_UNWRITABLE, OPTION_INVALID, OPTION_UNKNOWN
 */
export async function clearCache(source?: ModelSource, options: SourceOptions = {}): Promise<void> {
  refuseUnknown(options, sourceOptions, 'option of clearCache');
  checkSourceOptions(options);
  // All is cleared where no source is named, not where one is missing by mistake.
  const files = source === undefined ? undefined : openCached(source, options, 'clearCache');
  try {
    if (files instanceof KeptSource) await (await files.open()).clear();
    if (files !== undefined) return;
    const store = findCache(cacheOf(options));
    if (store !== undefined) await (await openStore(store)).remove('');
  } catch (cause) {
    const reason = messageOf(cause).replace(/\.$/, '');
    throw new TransformerError(
      'FILE_UNWRITABLE',
      `The cache could not be cleared: ${reason}. End the loads that use it, then try again.`,
      { cause },
    );
  }
}

/** The source as the cache alone has it; what needs no cache as it is. */
function openCached(source: ModelSource, options: SourceOptions, caller: string): Source {
  refuseUnknown(options, sourceOptions, `option of ${caller}`);
  checkSourceOptions(options);
  const cache = cacheOf(options);
  const there = findCache(cache) !== undefined;
  return openSource(source, { ...options, cache: there && cache, offline: there });
}

function cacheOf({ cache = true }: SourceOptions): true | string {
  return cache === false ? true : cache;
}
