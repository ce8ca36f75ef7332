// The cache of downloaded models in Node: a folder that all processes of a user share.

import { createHash } from 'node:crypto';
import { constants, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import type { CacheStore } from '../source/cache-store.ts';

/** Writes begun by this process: two of one file must not share a partial one. */
let writes = 0;

/** What is ours in a folder that may hold other things: clearing removes this and no more. */
const OWN = 'webgpu-transformer';

/**
 * A store in a folder: the one given, else WEBGPU_TRANSFORMER_CACHE, else where the operating system
 * keeps the caches of a user.
 */
export function cacheFolder(path?: string): CacheStore {
  const root = resolve(path ?? defaultFolder(), OWN);
  return {
    async list(folder): Promise<string[]> {
      const names = await readdir(join(root, folder)).catch((error: unknown) => {
        if ((error as { code?: unknown }).code === 'ENOENT') return [];
        throw error;
      });
      const partial = names.filter((name) => name.endsWith('.partial'));
      await Promise.all(partial.map((name) => removeOld(join(root, folder, name))));
      return names;
    },

    async read(file, { start, end }): Promise<Uint8Array> {
      // Without waiting for what would write to it, if it is a pipe.
      const handle = await open(join(root, file), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      try {
        if (!(await handle.stat()).isFile()) throw new Error(`${file} is no file`);
        const bytes = new Uint8Array(end - start);
        let filled = 0;
        while (filled < bytes.length) {
          const rest = bytes.length - filled;
          const { bytesRead } = await handle.read(bytes, filled, rest, start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await handle.close();
      }
    },

    async write(file, bytes): Promise<void> {
      const place = join(root, file);
      const partial = `${place}.${process.pid}-${++writes}.partial`;
      await mkdir(dirname(place), { recursive: true });
      try {
        await writeFile(partial, bytes);
        await rename(partial, place);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },

    async remove(folder): Promise<void> {
      await rm(join(root, folder), { recursive: true, force: true, maxRetries: 9 });
    },

    sha256() {
      const hash = createHash('sha256');
      return { update: (bytes) => hash.update(bytes), hex: () => hash.digest('hex') };
    },
  };
}

/** Removes what a process left that was killed while it wrote: no write takes so long. */
async function removeOld(partial: string): Promise<void> {
  const { mtimeMs } = await stat(partial).catch(() => ({ mtimeMs: Infinity }));
  if (Date.now() - mtimeMs > 3_600_000) await rm(partial, { force: true }).catch(() => undefined);
}

function defaultFolder(): string {
  const { env, platform } = process;
  const home = homedir();
  let base = env['XDG_CACHE_HOME'] || join(home, '.cache');
  if (platform === 'darwin') base = join(home, 'Library', 'Caches');
  if (platform === 'win32') base = env['LOCALAPPDATA'] || join(home, 'AppData', 'Local');
  return env['WEBGPU_TRANSFORMER_CACHE'] || base;
}
