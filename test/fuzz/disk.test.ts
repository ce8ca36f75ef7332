// Caches on disks that forget, flip, cut and refuse: what is read is right, with a network always.
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import type { CacheStore } from '../../src/source/cache-store.ts';
import { CachedSource } from '../../src/source/cached-source.ts';
import type { RemoteSource } from '../../src/source/source.ts';
import { cacheFolder } from '../../src/node/cache-folder.ts';
import { memoryStore } from '../support/cache-store.ts';
import { cases } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';

const folder = await mkdtemp(join(tmpdir(), 'disk-'));
afterAll(() => rm(folder, { recursive: true }));

function serverOf(bytes: Uint8Array): RemoteSource {
  return {
    name: 'r',
    key: 'https://host/r/',
    read: async (_, range) => bytes.slice(range?.start, range?.end),
    stat: async () => ({ size: bytes.length, version: 'v' }),
  };
}

/** A store whose calls fail or lie now and then. */
function faulty(random: Random, store: CacheStore): CacheStore {
  const often = random.next() * 0.6;
  const fail = (): void => {
    if (random.next() < often) throw Object.assign(new Error('no'), { code: 'EIO' });
  };
  return {
    async list(path) {
      fail();
      const names = await store.list(path);
      if (random.next() < often) names.push('0-9-00', `0-5-${'0'.repeat(32)}`, 'x.partial');
      return random.next() < often ? names.slice(1) : names;
    },
    async read(path, range) {
      fail();
      const bytes = (await store.read(path, range)).slice();
      if (random.next() >= often || bytes.length === 0) return bytes;
      bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
      return random.next() < 0.5 ? bytes : bytes.slice(1);
    },
    async write(path, bytes) {
      fail();
      await store.write(path, random.next() < often ? bytes.slice(1) : bytes);
    },
    async remove(path) {
      fail();
      await store.remove(path);
    },
  };
}

/** Reads by drawn ranges; each must be right. */
async function readAll(random: Random, source: CachedSource, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const start = random.integer(0, bytes.length);
    const range = random.next() < 0.3 ? undefined : { start, end: start + random.integer(0, 90) };
    expect(await source.read('f', range)).toEqual(bytes.slice(range?.start, range?.end));
  }
  if (random.next() < 0.5) await source.finish('f');
}

cases('stores that fail and lie', 200, async (random) => {
  const bytes = Uint8Array.from({ length: random.integer(0, 300) }, () => random.integer(0, 255));
  const store = memoryStore();
  for (let load = 0; load < 3; load++) {
    // Bytes that were right when they were read first are wrong later.
    const source = new CachedSource(serverOf(bytes), faulty(random, store), false, 'always');
    await readAll(random, source, bytes);
  }
  await readAll(random, new CachedSource(serverOf(bytes), store, false, 'once'), bytes);
  // Without a network it is right or told.
  const offline = new CachedSource(serverOf(bytes), store, true, 'once');
  const got = await offline.read('f').catch((error: unknown) => error);
  if (got instanceof Uint8Array) expect(got).toEqual(bytes);
  else expect(got).toBeInstanceOf(TransformerError);
});

cases('folders that are damaged between two loads', 40, async (random, index) => {
  const bytes = Uint8Array.from({ length: random.integer(1, 300) }, () => random.integer(0, 255));
  const path = join(folder, `${index}`);
  for (let load = 0; load < 3; load++) {
    const source = new CachedSource(serverOf(bytes), cacheFolder(path), false, 'once');
    await readAll(random, source, bytes);
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || random.next() < 0.5) continue;
      const file = join(entry.path, entry.name);
      const content = await readFile(file);
      const at = random.integer(0, content.length);
      const damages = [
        () => rm(file),
        () => truncate(file, at),
        () => writeFile(file, content.fill(random.integer(0, 255), at)),
        () => writeFile(file, ''),
      ];
      await random.pick(damages)();
    }
  }
  await rm(path, { recursive: true });
});
