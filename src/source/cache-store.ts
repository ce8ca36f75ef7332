// Where downloaded bytes are kept: small files that appear as a whole or not at all. In browsers
// that is the origin private file system; Node registers a folder (src/node/cache-folder.ts).

import type { FileRange } from './source.ts';

/** A hash of bytes that come in pieces. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** As hexadecimal digits; ends its use. */
  hex(): string;
}

/** Files by paths with `/`. Any call may fail: a cache that fails is one that has nothing. */
export interface CacheStore {
  /** Names in a folder; none when it is missing. */
  list(path: string): Promise<string[]>;
  read(path: string, range: FileRange): Promise<Uint8Array>;
  /** Several writers of one path, also of several processes, leave the file of one of them. */
  write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes a folder with all in it; `''` is everything. */
  remove(path: string): Promise<void>;
  /** A faster SHA-256 than the library's own. */
  sha256?(): Hash;
}

/** The folder of this library in the origin's storage. */
const ROOT = 'webgpu-transformer';

/** The browser's store. */
export function browserCache(storage: StorageManager): CacheStore {
  const open = async (path: string, create: boolean): Promise<FileSystemDirectoryHandle> => {
    let folder = await storage.getDirectory();
    const steps = [ROOT, ...path.split('/')].filter((step) => step !== '');
    for (const step of steps) folder = await folder.getDirectoryHandle(step, { create });
    return folder;
  };
  const fileIn = async (path: string, create: boolean): Promise<FileSystemFileHandle> => {
    const [folder, name] = split(path);
    return (await open(folder, create)).getFileHandle(name, { create });
  };

  return {
    async list(path): Promise<string[]> {
      const names: string[] = [];
      try {
        for await (const name of (await open(path, false)).keys()) names.push(name);
      } catch (error) {
        if (!isNamed(error, /^NotFound/)) throw error;
      }
      return names;
    },

    async read(path, { start, end }): Promise<Uint8Array> {
      const file = await (await fileIn(path, false)).getFile();
      return new Uint8Array(await file.slice(start, end).arrayBuffer());
    },

    async write(path, bytes): Promise<void> {
      // The bytes go to a file beside it, which takes its place when it is closed.
      const stream = await (await fileIn(path, true)).createWritable();
      try {
        await stream.write(bytes);
        await stream.close();
      } catch (error) {
        await stream.abort().catch(() => undefined);
        throw error;
      }
    },

    async remove(path): Promise<void> {
      const [folder, name] = split(path);
      for (let attempt = 1; ; attempt++) {
        try {
          if (name === '') await (await storage.getDirectory()).removeEntry(ROOT, all);
          else await (await open(folder, false)).removeEntry(name, all);
          return;
        } catch (error) {
          if (isNamed(error, /^NotFound/)) return;
          // A file is being written, which takes some milliseconds.
          if (!isNamed(error, /Modification/) || attempt === 20) throw error;
          await new Promise<void>((resolve) => void setTimeout(resolve, 50));
        }
      }
    },
  };
}

const all = { recursive: true };

function isNamed(error: unknown, name: RegExp): boolean {
  return error instanceof DOMException && name.test(error.name);
}

/** A path's folder and last part. */
function split(path: string): [string, string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1)];
}
