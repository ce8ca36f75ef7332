// A cache for tests that has no folder.

import type { CacheStore } from '../../src/source/cache-store.ts';

interface MemoryStore extends CacheStore {
  /** By their paths. */
  readonly files: Map<string, Uint8Array>;
}

/** A store in memory; some of its calls may be others. */
export function memoryStore(change: Partial<CacheStore> = {}): MemoryStore {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    list: async (path) => {
      const names = [...files.keys()].filter((name) => name.startsWith(`${path}/`));
      return [...new Set(names.map((name) => name.slice(path.length + 1).split('/')[0]!))];
    },
    read: async (path, { start, end }) => {
      const file = files.get(path);
      if (file === undefined) throw new Error('none');
      return file.slice(start, end);
    },
    write: async (path, content) => void files.set(path, content),
    remove: async (path) => {
      for (const name of files.keys()) if (name.startsWith(path)) files.delete(name);
    },
    ...change,
  };
}
