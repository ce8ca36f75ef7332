// From what a user calls a model to the source of its files.

import { checkFlags, fieldsOf, hasMethod, isA, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { Platform } from '../runtime/platform-types.ts';
import type { CacheStore } from './cache-store.ts';
import type { CachedSource } from './cached-source.ts';
import type { CacheCheck } from './kept-file.ts';
import type { Files } from './file-source.ts';
import { LazySource } from './lazy-source.ts';
import { httpSource, hubSource } from './remote-source.ts';
import type { RemoteSource, Source } from './source.ts';

/**
 * A folder's path (Node), a URL, `hf:owner/name@revision`, files or a folder that a user dropped or
 * chose, or a source of your own. A file in GGUF stands for such a folder: its path, its URL,
 * `hf:owner/name/file.gguf`, or the file itself, alone in a list.
 */
export type ModelSource = string | URL | Source | Files | Platform<'FileSystemDirectoryHandle'>;

/** How the files of a model are found and kept. */
export interface SourceOptions {
  /**
   * Keeps what is downloaded for the next load. Default true. In Node a path names the folder to
   * keep it in.
   */
  cache?: boolean | string;
  /** Uses what the cache has and no network. */
  offline?: boolean;
  /**
   * When what the cache has is compared with its hashes: `'once'` a load (default), `'always'` when it is
   * read, or `'never'`. What was damaged is downloaded again.
   */
  verifyCache?: CacheCheck;
  /** For files that need a login: sent to the origin of the address, or of the endpoint, alone. */
  token?: string;
  /** Where `hf:` repositories are. Default https://huggingface.co; in Node, HF_ENDPOINT. */
  endpoint?: string;
}

/** The names of `SourceOptions`. */
export const sourceOptions: readonly string[] = [
  'cache',
  'offline',
  'verifyCache',
  'token',
  'endpoint',
];

/** What a platform brings. */
interface PlatformParts {
  /** Opens paths that are no URLs. */
  readonly openPath?: (path: string) => Source;
  /** Opens the cache, in a folder of the user's choice. */
  readonly openCache?: (folder: string | undefined) => CacheStore;
  /** The endpoint of `hf:` and the token for it, unless an option says otherwise. */
  readonly hub?: () => {
    readonly endpoint?: string | undefined;
    readonly token?: string | undefined;
  };
}

let platform: PlatformParts = {};

/** Registers how a platform opens paths and caches. */
export function registerPlatform(own: PlatformParts): void {
  platform = own;
}

/** Whether it is a source already, which need not be opened. */
export function isSource(source: ModelSource): source is Source {
  return hasMethod(source, 'read');
}

/** A source from what `loadModel` takes. */
export function openSource(source: ModelSource, options: SourceOptions = {}): Source {
  checkSource(source);
  checkSourceOptions(options);
  const isText = typeof source === 'string' || isA(source, URL);
  const only = typeof source === 'object' && 'length' in source && source.length === 1 && source[0];
  const name = isText ? String(source) : isA(only, globalThis.File) ? only.name : '';
  if (!/\.gguf([?#]|$)/i.test(name)) return openFolder(source, options);
  return new LazySource('the GGUF file', async () => {
    const { ggufSource } = await import('./gguf/gguf-address.ts');
    return ggufSource(source, name, (folder) => openFolder(folder, options));
  });
}

function openFolder(source: ModelSource, options: SourceOptions): Source {
  if (typeof source === 'object' && 'length' in source) {
    return new LazySource('the given files', async () => {
      const { fileSource } = await import('./file-source.ts');
      return fileSource(source);
    });
  }
  if (typeof source === 'object' && 'read' in source) {
    return isRemote(source) ? keep(source, options) : source;
  }
  if (typeof source === 'object' && 'kind' in source) {
    return new LazySource(source.name, async () => {
      const { handleSource } = await import('./file-source.ts');
      return handleSource(source);
    });
  }
  const { token, endpoint } = options;
  const text = String(source);
  if (text.startsWith('hf:')) {
    // A token from the environment is meant for the endpoint of the environment.
    const own = endpoint === undefined ? platform.hub?.() : undefined;
    const hub = { endpoint: endpoint ?? own?.endpoint, token: token ?? own?.token };
    return keep(hubSource(text, hub), options);
  }
  if (platform.openPath !== undefined && !/^https?:/i.test(text)) return platform.openPath(text);
  const remote = httpSource(text, { token });
  const hint = hubHint(text);
  const told = remote.explain?.bind(remote);
  if (hint !== undefined) {
    remote.explain = (files) => [told?.(files), hint].filter((part) => part).join(' ');
  }
  return keep(remote, options);
}

/** Refuses options of wrong types. Errors: OPTION_INVALID. */
export function checkSourceOptions(options: SourceOptions): void {
  fieldsOf(options, 'The object of options');
  const { cache, verifyCache = 'once', token = '', endpoint = '' } = options;
  checkFlags(options, 'offline');
  if (typeof cache !== 'string') checkFlags(options, 'cache');
  const wrong = (name: string, value: unknown, wanted: string): TransformerError =>
    new TransformerError('OPTION_INVALID', `${name} is ${show(value)}; wanted ${wanted}.`);
  if (!['once', 'always', 'never'].includes(verifyCache)) {
    throw wrong('verifyCache', verifyCache, "'once', 'always' or 'never'");
  }
  // A token is no message's business, whatever it is.
  if (typeof token !== 'string') throw wrong('token', typeof token, 'a string');
  if (typeof endpoint !== 'string') throw wrong('endpoint', endpoint, 'a URL as a string');
}

/** Refuses what names no source at all. Errors: INPUT_INVALID. */
function checkSource(source: unknown): void {
  const isObject = typeof source === 'object' && source !== null;
  let isKnown = typeof source === 'string' && source.trim() !== '';
  let isEmpty = false;
  try {
    const isPart = (name: string): boolean => isObject && name in source;
    isKnown ||= isA(source, URL) || ['length', 'read', 'kind'].some(isPart);
    isEmpty = isObject && 'length' in source && source.length === 0;
  } catch {
    // A proxy that refuses to be looked at.
  }
  if (isKnown && !isEmpty) return;
  let got = isObject ? 'an object without read()' : `a ${typeof source}`;
  if (source === undefined || source === null) got = String(source);
  if (typeof source === 'string') got = 'an empty text';
  if (isEmpty) got = 'an empty list';
  throw new TransformerError(
    'INPUT_INVALID',
    `No model is named: the source is ${got}. Pass a folder (Node), a URL, hf:owner/name, files, or ` +
      'an object with read(file).',
  );
}

/** What to say of a place that is not there: names of the Hub are often given without `hf:`. */
export function hubHint(place: string): string | undefined {
  const isName = /^[\w-][\w.-]*\/[\w-][\w.-]*(@[\w./-]+)?$/.test(place);
  return isName ? `Did you mean hf:${place}, of the Hugging Face Hub?` : undefined;
}

/** Whether a source is on a network, and so worth keeping. */
export function isRemote(source: Source): source is RemoteSource {
  return 'stat' in source && 'key' in source;
}

/** A source on a network with the cache before it. */
export class KeptSource extends LazySource<CachedSource> {
  constructor(
    remote: RemoteSource,
    store: CacheStore | StorageManager,
    { offline = false, verifyCache = 'once' }: SourceOptions,
  ) {
    super(remote.name, async () => {
      const [{ CachedSource }, opened] = await Promise.all([
        import('./cached-source.ts'),
        openStore(store),
      ]);
      return new CachedSource(remote, opened, offline, verifyCache);
    });
  }
}

/** A source on a network with the cache before it, unless the options say otherwise. */
function keep(remote: RemoteSource, options: SourceOptions): Source {
  const { cache = true, offline = false } = options;
  const store = cache === false ? undefined : findCache(cache);
  if (store !== undefined) return new KeptSource(remote, store, options);
  if (!offline) return remote;
  throw new TransformerError(
    'OPTION_INVALID',
    'offline: true loads from the cache, but there is none. ' +
      (cache === false ? 'Leave out cache: false.' : 'It needs a page over https.'),
  );
}

/** The platform's cache, or the browser's storage for it; undefined where there is none. */
export function findCache(cache: true | string): CacheStore | StorageManager | undefined {
  const folder = cache === true ? undefined : cache;
  if (platform.openCache !== undefined && typeof (folder ?? '') === 'string') {
    return platform.openCache(folder);
  }
  if (cache === true) {
    // None in Node without a platform, and in pages without https.
    const { navigator } = globalThis as { navigator?: { storage?: StorageManager } };
    const storage = navigator?.storage;
    return storage?.getDirectory === undefined ? undefined : storage;
  }
  throw new TransformerError(
    'OPTION_INVALID',
    `cache is ${show(cache)}; wanted true, false or, in Node, a folder.`,
  );
}

/** The cache itself. */
export async function openStore(found: CacheStore | StorageManager): Promise<CacheStore> {
  if ('read' in found) return found;
  const { browserCache } = await import('./cache-store.ts');
  return browserCache(found);
}
