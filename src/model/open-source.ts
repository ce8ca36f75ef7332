// From what a user calls a model to the source of its files.

import { TransformerError } from '../runtime/errors.ts';
import { browserCache, type CacheStore } from './cache-store.ts';
import { CachedSource } from './cached-source.ts';
import { type Files, fileSource, handleSource, isDirectoryHandle, isFiles } from './file-source.ts';
import { httpSource } from './http-source.ts';
import { hubSource } from './hub-source.ts';
import type { RemoteSource, Source } from './source.ts';

/**
 * A folder's path (Node), a URL, `hf:owner/name@revision`, files or a folder that a user dropped or
 * chose, or a source of your own.
 */
export type ModelSource = string | URL | Source | Files | FileSystemDirectoryHandle;

export interface SourceOptions {
  /**
   * Keeps what is downloaded for the next load. Default true. In Node a path names the folder to
   * keep it in.
   */
  cache?: boolean | string;
  /** Uses what the cache has and no network. */
  offline?: boolean;
  /** For files that need a login: sent to the origin of the address, or of the endpoint, alone. */
  token?: string;
  /** Where `hf:` repositories are. Default https://huggingface.co; in Node, HF_ENDPOINT. */
  endpoint?: string;
}

/** The names of `SourceOptions`. */
export const sourceOptions: readonly string[] = ['cache', 'offline', 'token', 'endpoint'];

/** What a platform brings. */
interface Platform {
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

let platform: Platform = {};

/** Registers how a platform opens paths and caches. */
export function registerPlatform(own: Platform): void {
  platform = own;
}

/** A source from what `loadModel` takes. */
export function openSource(source: ModelSource, options: SourceOptions = {}): Source {
  if (isFiles(source)) return fileSource(source);
  if (typeof source === 'object' && 'read' in source) {
    return isRemote(source) ? keep(source, options) : source;
  }
  if (typeof source === 'object' && isDirectoryHandle(source)) return handleSource(source);
  const { token, endpoint } = options;
  const text = String(source);
  if (text.startsWith('hf:')) {
    // A token from the environment is meant for the endpoint of the environment.
    const own = endpoint === undefined ? platform.hub?.() : undefined;
    const hub = { endpoint: endpoint ?? own?.endpoint, token: token ?? own?.token };
    return keep(hubSource(text, hub), options);
  }
  if (platform.openPath !== undefined && !/^https?:/i.test(text)) return platform.openPath(text);
  return keep(httpSource(text, { token }), options);
}

/** Whether a source is on a network, and so worth keeping. */
export function isRemote(source: Source): source is RemoteSource {
  return 'stat' in source && 'key' in source;
}

/** A source on a network with the cache before it, unless the options say otherwise. */
function keep(remote: RemoteSource, { cache = true, offline = false }: SourceOptions): Source {
  const store = cache === false ? undefined : openCache(cache);
  if (store !== undefined) return new CachedSource(remote, store, offline);
  if (!offline) return remote;
  throw new TransformerError(
    'OPTION_INVALID',
    'offline: true loads from the cache, but there is none. ' +
      (cache === false ? 'Leave out cache: false.' : 'It needs a page over https.'),
  );
}

/** The platform's cache; undefined where there is none. */
export function openCache(cache: true | string): CacheStore | undefined {
  const folder = cache === true ? undefined : cache;
  if (platform.openCache !== undefined && typeof (folder ?? '') === 'string') {
    return platform.openCache(folder);
  }
  if (cache === true) return browserCache();
  throw new TransformerError(
    'OPTION_INVALID',
    `cache is ${JSON.stringify(cache)}; wanted true, false or, in Node, a folder.`,
  );
}
