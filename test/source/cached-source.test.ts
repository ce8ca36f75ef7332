// What is kept of downloads: used again, gone on with, checked, and never in the way of a load.
import {
  clearCache,
  isCached,
  loadModel,
  modelSize,
  pipeline,
  type SourceOptions,
} from 'webgpu-transformer';
import { describe, expect, test, vi } from 'vitest';
import { httpSource } from '../../src/source/remote-source.ts';
import { openSource } from '../../src/source/open-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { readFile, readJson, requireJson, type Source } from '../../src/source/source.ts';
import { ownCache } from '../support/cache.ts';
import { readFixture } from '../support/fixture.ts';
import { Random } from '../support/random.ts';
import { expectError } from '../support/safetensors.ts';
import { webFolder, type WebFolder } from '../support/web.ts';

const inBrowser = 'document' in globalThis;
const cache = ownCache();
const MODEL = 'model.safetensors';
const config = await readFixture('marian/config.json');
const weights = await readFixture('marian/model.safetensors');
const tensorBytes = weights.length - 8 - headerBytes();

function headerBytes(): number {
  return Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
}

async function served(): Promise<WebFolder> {
  const web = webFolder();
  await web.put('config.json', config);
  await web.put(MODEL, weights);
  return web;
}

interface LoadOptions extends SourceOptions {
  readonly signal?: AbortSignal;
  /** Leaves out tensors, as an architecture does that has no use for them. */
  readonly only?: (name: string) => boolean;
}

/** What a load reads of a model: its configuration, an optional file, all weights. */
async function load(
  place: string | Source,
  { signal, only = () => true, ...options }: LoadOptions = {},
): Promise<number> {
  const source = openSource(place, options);
  try {
    await requireJson(source, 'config.json', { signal });
    await readJson(source, 'generation_config.json', { signal });
    const tensors = [...(await openSafetensors(source, { signal })).values()];
    let loaded = 0;
    const wanted = tensors.filter(({ name }) => only(name));
    const reading = readTensors(source, wanted, { signal, chunkBytes: 16_384 });
    for await (const { entry, offset, bytes } of reading) {
      const at = entry.start + offset;
      if (bytes.some((byte, i) => byte !== weights[at + i])) throw new Error('wrong bytes');
      loaded += bytes.length;
    }
    return loaded;
  } finally {
    source.release?.();
  }
}

/** The bytes that the server was asked for, from the request number `from` on. */
async function bytesAsked(web: WebFolder, from = 0): Promise<number> {
  const requests = (await web.requests()).slice(from);
  const reads = requests.filter(({ method, range }) => method === 'GET' && range !== 'bytes=0-0');
  return reads.reduce((sum, { range = 'bytes=0--1' }) => {
    const [, start, end] = /(\d+)-(-?\d+)/.exec(range) ?? [];
    return sum + Number(end) - Number(start) + 1;
  }, 0);
}

test('the second load downloads nothing, the third needs no network', async () => {
  const web = await served();
  expect(await load(web.url)).toBe(tensorBytes);
  expect(await bytesAsked(web)).toBe(weights.length);
  // The answers with the bytes tell which files there are.
  const first = await web.requests();
  expect(first.map(({ method }) => method)).not.toContain('HEAD');
  const once = first.filter(({ path }) => path !== MODEL).map(({ path }) => path);
  expect(once).toEqual(['config.json', 'generation_config.json']);
  expect(await load(web.url)).toBe(tensorBytes);
  const after = await web.requests();
  const asked = after.slice(first.length).map(({ method, path }) => `${method} ${path}`);
  expect(asked).toEqual(['HEAD config.json', 'GET generation_config.json', `HEAD ${MODEL}`]);
  expect(await load(web.url, { offline: true })).toBe(tensorBytes);
  expect((await web.requests()).length).toBe(after.length);
});

test('a server that hides sizes from other origins has nothing downloaded twice', async () => {
  const hides = {
    'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT',
    'Access-Control-Expose-Headers': '',
  };
  const web = webFolder();
  await web.put('config.json', config, hides);
  await web.put(MODEL, weights, hides);
  expect(await load(web.url)).toBe(tensorBytes);
  // Whether there is a byte beyond the end is how a length is found out.
  expect(await bytesAsked(web)).toBeLessThanOrEqual(weights.length + 2);
  const configs = (await web.requests()).filter(({ path }) => path === 'config.json');
  expect(configs.map(({ method }) => method)).toEqual(['GET']);
});

test('without the cache nothing is kept, and what is kept is not used', async () => {
  const web = await served();
  await load(web.url, { cache: false });
  expect(await cache.files()).toEqual([]);
  await load(web.url);
  const before = (await web.requests()).length;
  await load(web.url, { cache: false });
  expect(await bytesAsked(web, before)).toBe(weights.length);
});

test('offline without a kept file names it, also when there is a part of it', async () => {
  const web = await served();
  const offline = { offline: true };
  await expectError(load(web.url, offline), 'FILE_NOT_FOUND', 'config.json', web.url, 'offline');
  await readFile(openSource(web.url), 'config.json');
  await expectError(load(web.url, offline), 'FILE_NOT_FOUND', 'generation_config.json');
  await modelSize(web.url);
  await readFile(openSource(web.url), 'generation_config.json');
  await expectError(load(web.url, offline), 'FILE_NOT_FOUND', MODEL);
  expect((await web.requests()).every(({ path }) => path !== 'x')).toBe(true);
  await expectError(
    () => openSource(web.url, { offline: true, cache: false }),
    'OPTION_INVALID',
    'cache: false',
  );
});

test('an interrupted load is gone on with', async () => {
  const web = await served();
  const controller = new AbortController();
  let pieces = 0;
  const stopping = async (): Promise<void> => {
    const source = openSource(web.url);
    const tensors = await openSafetensors(source);
    const { signal } = controller;
    for await (const _ of readTensors(source, tensors.values(), { signal, chunkBytes: 16_384 })) {
      if (++pieces === 40) controller.abort();
    }
  };
  await expectError(stopping(), 'ABORTED');
  const before = (await web.requests()).length;
  expect(await isCached(web.url)).toBe(false);
  expect(await load(web.url)).toBe(tensorBytes);
  const rest = await bytesAsked(web, before);
  expect(rest).toBeLessThan(weights.length * 0.8);
  expect(rest).toBeGreaterThan(0);
});

test('a load that is stopped at any moment leaves the cache right', async () => {
  const random = new Random(11);
  const web = await served();
  for (let i = 0; i < 25; i++) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), random.next() * 60);
    await load(web.url, { signal: controller.signal }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'ABORTED' });
    });
    if (i % 8 === 7) await clearCache(web.url);
  }
  expect(await load(web.url)).toBe(tensorBytes);
  expect(await load(web.url, { offline: true })).toBe(tensorBytes);
});

test('two loads at once', async () => {
  const web = await served();
  const both = await Promise.all([load(web.url), load(web.url)]);
  expect(both).toEqual([tensorBytes, tensorBytes]);
  expect(await load(web.url, { offline: true })).toBe(tensorBytes);
  expect((await cache.files()).filter((path) => /partial|crswap/.test(path))).toEqual([]);
});

test('a file that changed on the server is downloaded again, and its old version removed', async () => {
  const web = await served();
  await load(web.url);
  await web.put('config.json', '{"changed": true}');
  expect(await readJson(openSource(web.url), 'config.json')).toEqual({ changed: true });
  const etag = (await cache.files()).filter((path) => path.includes('config.json'));
  expect(new Set(etag.map((path) => path.split('/').at(-2))).size).toBe(2);
  // The same length, but another tag; and a file that is gone.
  const before = (await web.requests()).length;
  await web.put(MODEL, weights, { ETag: '"second"' });
  expect(await load(web.url)).toBe(tensorBytes);
  expect(await bytesAsked(web, before)).toBe(weights.length);
  const gone = { path: 'config.json', status: 404, times: 2 };
  await web.misbehave({ ...gone, method: 'HEAD' }, gone);
  await expectError(load(web.url), 'FILE_NOT_FOUND', 'config.json');
  await expectError(load(web.url, { offline: true }), 'FILE_NOT_FOUND', 'config.json');
});

test('a date will do for a version; with neither nothing is kept', async () => {
  const web = webFolder();
  const dated = { 'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT' };
  await web.put('dated.json', '{"a": 1}', dated);
  await web.put('plain.json', '{"b": 2}', {});
  const source = openSource(web.url);
  expect(await readJson(source, 'dated.json')).toEqual({ a: 1 });
  expect(await readJson(source, 'plain.json')).toEqual({ b: 2 });
  expect((await cache.files()).filter((path) => path.includes('plain'))).toEqual([]);
  const kept = openSource(web.url, { offline: true });
  expect(await readJson(kept, 'dated.json')).toEqual({ a: 1 });
  await expectError(readJson(kept, 'plain.json'), 'FILE_NOT_FOUND', 'plain.json');
});

test('folders, query strings and servers are told apart', async () => {
  const web = webFolder();
  for (const folder of ['one', 'two']) await web.put(`${folder}/f.json`, `{"in": "${folder}"}`);
  for (const folder of ['one', 'two', 'one?v=2']) {
    const value = await readJson(openSource(`${web.url}/${folder}`), 'f.json');
    expect(value).toEqual({ in: folder.slice(0, 3) });
  }
  await readJson(openSource(`${web.elsewhere}/one`), 'f.json');
  expect(new Set((await cache.files()).map((path) => path.split('/').at(-4))).size).toBe(4);
  expect((await cache.files()).join()).not.toContain('v=2');
});

test('tensors that nobody wants are kept too, so that the file can be checked', async () => {
  const web = await served();
  const only = (name: string): boolean => name.includes('decoder');
  expect(await load(web.url, { only })).toBeLessThan(tensorBytes);
  expect(await isCached(web.url)).toBe(true);
  expect(await load(web.url, { offline: true })).toBe(tensorBytes);
});

/** The same bytes but for one bit. */
function flipped(bytes: Uint8Array): Uint8Array {
  const wrong = bytes.slice();
  wrong[bytes.length >> 1]! ^= 4;
  return wrong;
}

const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['with a flipped bit', flipped],
  ['cut off', (bytes) => bytes.slice(0, 3)],
  ['empty', () => new Uint8Array(0)],
  ['longer', (bytes) => Uint8Array.of(9, ...bytes)],
];

test.each(damages)('pieces that are %s are downloaded again, and no others', async (_, damage) => {
  const web = await served();
  await load(web.url);
  const kept = await cache.files();
  const damaged = [/config\.json.*\/0-/, /model.*\/0-8-/, /model.*\/8\d{4,}-/].map((name) =>
    kept.find((path) => name.test(path))!,
  );
  for (const path of damaged) await cache.overwrite(path, damage);
  const before = (await web.requests()).length;
  expect(await load(web.url)).toBe(tensorBytes);
  const again = await bytesAsked(web, before);
  expect(again).toBeGreaterThan(8);
  expect(again).toBeLessThan(20_000);
  expect(await load(web.url, { offline: true })).toBe(tensorBytes);
  expect((await cache.files()).toSorted()).toEqual(kept.toSorted());
});

test('a piece that is gone is downloaded again', async () => {
  if (inBrowser) return;
  const web = await served();
  await load(web.url);
  const { rm, mkdir } = await import('node:fs/promises');
  const pieces = (await cache.files()).filter((path) => /model.*\/\d+-\d+-\w+$/.test(path));
  await rm(pieces[1]!);
  // A folder where a file was is no file.
  await rm(pieces[2]!);
  await mkdir(pieces[2]!);
  expect(await load(web.url)).toBe(tensorBytes);
});

test('without a network what is damaged is told, and not used', async () => {
  const web = await served();
  await load(web.url);
  const piece = (await cache.files()).find((path) => /model.*\/8\d{4,}-/.test(path))!;
  await cache.overwrite(piece, flipped);
  const offline = load(web.url, { offline: true });
  await expectError(offline, 'FILE_INVALID', `${MODEL} is damaged`, 'without offline');
  expect(await isCached(web.url)).toBe(false);
  expect(await load(web.url)).toBe(tensorBytes);
  expect(await isCached(web.url)).toBe(true);
});

test('how often what is kept is checked', async () => {
  const web = await served();
  await load(web.url);
  const file = (await cache.files()).find((path) => /config\.json.*\/0-/.test(path))!;
  const read = async (source: Source): Promise<boolean> =>
    (await readFile(source, 'config.json'))?.every((byte, i) => byte === config[i]) ?? false;
  const [once, always] = [openSource(web.url), openSource(web.url, { verifyCache: 'always' })];
  for (const source of [once, always]) expect(await read(source)).toBe(true);
  await cache.overwrite(file, flipped);
  expect(await read(openSource(web.url, { verifyCache: 'never' }))).toBe(false);
  expect(await read(once)).toBe(false);
  expect(await read(always)).toBe(true);
  expect(await read(openSource(web.url, { offline: true }))).toBe(true);
  const wrong = { verifyCache: true } as unknown as SourceOptions;
  await expectError(() => openSource(web.url, wrong), 'OPTION_INVALID', 'verifyCache is true');
});

test('what a server sent wrong is not kept for the next load', async () => {
  const web = await served();
  const index = 'model.safetensors.index.json';
  await web.put('config.json', '{"broken', { ETag: '"same"' });
  await expectError(load(web.url), 'FILE_INVALID', 'config.json', 'Download the file again');
  await web.put('config.json', config, { ETag: '"same"' });
  const broken = weights.slice();
  broken.set([0x7b, 0x7b], 8);
  await web.put(MODEL, broken, { ETag: '"same"' });
  await expectError(load(web.url), 'FILE_INVALID', MODEL);
  await web.put(MODEL, weights, { ETag: '"same"' });
  expect(await load(web.url)).toBe(tensorBytes);

  const sharded = webFolder();
  await sharded.put('config.json', config);
  await sharded.put(index, '{"weight_map": {"a": 5}}', { ETag: '"same"' });
  await expectError(load(sharded.url), 'FILE_INVALID', index);
  await sharded.put(index, '{"weight_map": {}}', { ETag: '"same"' });
  expect(await load(sharded.url)).toBe(0);
});

test('settings that a load cannot use are asked for again', async () => {
  const web = await served();
  await web.put('config.json', '[]', { ETag: '"same"' });
  await expectError(loadModel(web.url), 'CONFIG_INVALID', 'not a JSON object');
  await web.put('config.json', '{"model_type": "none"}', { ETag: '"same"' });
  await expectError(loadModel(web.url), 'MODEL_UNSUPPORTED', '"none"');
});

test('a tokenizer that is none is asked for again', async () => {
  const web = webFolder();
  await web.put('config.json', await readFixture('bert_seqcls/config.json'));
  await web.put('tokenizer.json', '{"model": {"type": "WordPiece"}}', { ETag: '"same"' });
  for (let time = 1; time <= 2; time++) {
    await expectError(pipeline('text-classification', web.url), 'FILE_INVALID', 'tokenizer.json');
    const gets = (await web.requests()).filter(({ method }) => method === 'GET');
    expect(gets.filter(({ path }) => path === 'tokenizer.json').length).toBe(time);
  }
});

test('bytes of two versions are never mixed', async () => {
  const other = weights.map((byte, i) => (i < 8 + headerBytes() ? byte : byte ^ 255));
  for (const sameLength of [true, false]) {
    const web = await served();
    const source = openSource(web.url);
    const tensors = [...(await openSafetensors(source)).values()];
    let pieces = 0;
    const reading = async (): Promise<void> => {
      const reads = readTensors(source, tensors, { chunkBytes: 16_384 });
      for await (const { entry, offset, bytes } of reads) {
        const at = entry.start + offset;
        if (bytes.some((byte, i) => byte !== weights[at + i])) throw new Error('wrong bytes');
        const changed = sameLength ? other : new Uint8Array([...other, 1]);
        if (++pieces === 10) await web.put(MODEL, changed, { ETag: '"second"' });
      }
    };
    await expectError(reading(), 'FILE_UNREADABLE', 'changed while it was read');
    await web.put(MODEL, other, { ETag: '"second"' });
    // Another source, and the same one, whose version is the old one, unless it has met a file of another length.
    for (const next of [openSource(web.url), ...(sameLength ? [source] : [])]) {
      const entries = [...(await openSafetensors(next)).values()];
      for await (const { entry, offset, bytes } of readTensors(next, entries)) {
        const at = entry.start + offset;
        expect(bytes.every((byte, i) => byte === other[at + i])).toBe(true);
      }
    }
  }
});

test('no path in the cache says a secret', async () => {
  const web = webFolder();
  await web.put('config.json', config);
  const url = web.url.replace('://', '://me:Zx9secret@');
  await readFile(openSource(`${url}?token=Zx9secret`), 'config.json');
  const paths = await cache.files();
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.join()).not.toMatch(/secret|me:/);
});

describe('when the cache fails, the load does not', () => {
  test('nothing can be written', async () => {
    const web = await served();
    if (inBrowser) {
      await readFile(openSource(web.url), 'config.json');
      const full = new DOMException('full', 'QuotaExceededError');
      const writing = vi.spyOn(FileSystemFileHandle.prototype, 'createWritable');
      writing.mockRejectedValue(full);
      expect(await load(web.url)).toBe(tensorBytes);
      // The first failure is the last try.
      expect(writing).toHaveBeenCalledTimes(1);
      writing.mockRestore();
    } else {
      // A folder below a file cannot be made.
      expect(await load(web.url, { cache: `${import.meta.filename}/x` })).toBe(tensorBytes);
    }
    expect(await isCached(web.url)).toBe(false);
    expect(await load(web.url)).toBe(tensorBytes);
    expect(await isCached(web.url)).toBe(true);
  });

  test('there is none', async () => {
    if (!inBrowser) return;
    const web = await served();
    const storage = vi.spyOn(StorageManager.prototype, 'getDirectory');
    storage.mockRejectedValue(new DOMException('private', 'SecurityError'));
    expect(await load(web.url)).toBe(tensorBytes);
    expect(await isCached(web.url)).toBe(false);
    storage.mockRestore();
    const without = vi.spyOn(navigator, 'storage', 'get').mockReturnValue({} as StorageManager);
    expect(await load(web.url)).toBe(tensorBytes);
    expect(await isCached(web.url)).toBe(false);
    await clearCache();
    await expectError(() => openSource(web.url, { offline: true }), 'OPTION_INVALID', 'https');
    without.mockRestore();
  });
});

test('asking and clearing', async () => {
  const [one, two] = [await served(), await served()];
  expect(await isCached(one.url)).toBe(false);
  await load(one.url);
  await load(two.url);
  expect([await isCached(one.url), await isCached(two.url)]).toEqual([true, true]);
  const before = (await one.requests()).length;
  await clearCache(one.url);
  expect([await isCached(one.url), await isCached(two.url)]).toEqual([false, true]);
  expect((await one.requests()).length).toBe(before);
  await clearCache();
  expect(await cache.files()).toEqual([]);
  expect(await isCached(two.url)).toBe(false);
  // What needs no network is always there; a server's source of your own is kept as well.
  expect(await isCached({ read: async () => undefined })).toBe(true);
  await load(httpSource(one.url));
  expect(await isCached(one.url)).toBe(true);
  await clearCache({ read: async () => undefined });
  expect(await isCached(one.url)).toBe(true);
});

test('a size before the download', async () => {
  const web = await served();
  const { downloadBytes, gpuBytes } = await modelSize(web.url);
  expect(downloadBytes).toBe(weights.length);
  expect(await bytesAsked(web)).toBe(8 + headerBytes());
  expect(gpuBytes.f32).toBe(tensorBytes);
  expect(gpuBytes.f16).toBeGreaterThan(tensorBytes / 2);
  expect(gpuBytes.f16).toBeLessThan(tensorBytes * 0.6);
});

test('options are checked', async () => {
  const wrong = { cached: true } as SourceOptions;
  await expectError(isCached('http://127.0.0.1/', wrong), 'OPTION_UNKNOWN', '"cache"');
  await expectError(clearCache(undefined, wrong), 'OPTION_UNKNOWN', '"cache"');
  await expectError(modelSize('http://127.0.0.1/', wrong), 'OPTION_UNKNOWN', '"cache"');
  const number = { cache: 5 } as unknown as SourceOptions;
  await expectError(() => openSource('http://127.0.0.1/', number), 'OPTION_INVALID', 'cache is 5');
  if (inBrowser) {
    const open = (): Source => openSource('http://127.0.0.1/', { cache: '/tmp/x' });
    await expectError(open, 'OPTION_INVALID', '"/tmp/x"');
  }
});
