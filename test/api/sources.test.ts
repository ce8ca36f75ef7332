// Models from everywhere: a server that fails, the Hub, dropped files, the cache.
import { expect, test } from 'vitest';
import {
  clearCache,
  type FileProgress,
  Gpu,
  httpSource,
  isCached,
  loadModel,
  type Model,
  modelSize,
  pipeline,
} from 'webgpu-transformer';
import { ownCache } from '../support/cache.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { readFixture } from '../support/fixture.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles } from '../support/source.ts';
import { webFolder, type WebFolder } from '../support/web.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const cache = ownCache();
const files = await fixtureFiles('marian');
const inputs = { inputIds: [[26, 62, 19, 79, 74, 59]], attentionMask: [[1, 1, 1, 1, 1, 1]] };
const wanted = [[111, 43, 8, 37, 85, 9, 96, 38, 100, 102, 44, 27, 0]];

async function served(prefix = ''): Promise<WebFolder> {
  const web = webFolder();
  for (const [name, bytes] of Object.entries(files)) await web.put(prefix + name, bytes);
  return web;
}

/** Loads, checks what the model says, and ends it. */
async function expectModel(loading: Promise<Model>): Promise<void> {
  using model = await loading;
  const options = { numBeams: 1, maxNewTokens: 12 };
  expect((await model.generate(inputs, options)).sequences).toEqual(wanted);
}

test('a URL, with a connection that breaks; progress never falls', () =>
  withGpu(usual, async (gpu) => {
    const web = await served();
    const path = 'model.safetensors';
    await web.misbehave({ path, after: 4 }, { path, status: 503 }, { path, after: 50_000 });
    const seen: FileProgress[] = [];
    await expectModel(loadModel(web.url, { gpu, onProgress: (each) => seen.push(each) }));
    const loaded = seen.map(({ overall }) => overall.loaded);
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
    const { overall } = seen.at(-1)!;
    expect(overall.loaded).toBe(overall.total);
    expect(seen.every((each) => each.overall.total === overall.total)).toBe(true);
  }));

test('the Hub: loaded, kept, loaded without a network', () =>
  withGpu(usual, async (gpu) => {
    const web = await served('owner/name/resolve/main/');
    const options = { gpu, endpoint: web.url };
    const where = { endpoint: web.url };
    const { downloadBytes } = await modelSize('hf:owner/name', where);
    expect(downloadBytes).toBe(files['model.safetensors']!.length);
    expect(await isCached('hf:owner/name', where)).toBe(false);
    await expectModel(loadModel('hf:owner/name', options));
    expect(await isCached('hf:owner/name', where)).toBe(true);
    const before = (await web.requests()).length;
    await expectModel(loadModel('hf:owner/name', { ...options, offline: true }));
    expect((await web.requests()).length).toBe(before);
    await clearCache('hf:owner/name', where);
    const gone = loadModel('hf:owner/name', { ...options, offline: true });
    await expectRejection(gone, 'FILE_NOT_FOUND', 'config.json', 'offline');
  }));

test('files that were dropped', () =>
  withGpu(usual, async (gpu) => {
    const dropped = Object.entries(files).map(([name, bytes]) => new File([bytes], name));
    await expectModel(loadModel(dropped, { gpu }));
    expect(await cache.files()).toEqual([]);
  }));

test('a pipeline is kept with its tokenizer', () =>
  withGpu(usual, async (gpu) => {
    const web = webFolder();
    const names = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'];
    for (const name of names) await web.put(name, await readFixture(`models/phrases/${name}`));
    for (const offline of [false, true]) {
      const translate = await pipeline('translation', web.url, { gpu, offline });
      expect(await translate('in 3 days', { to: 'de' })).toEqual([
        { translationText: 'in 3 Tagen' },
      ]);
      translate.dispose();
    }
  }));

test('an abort at any moment of a download leaves neither buffers nor a broken cache', () =>
  withGpu(usual, async (gpu) => {
    const web = await served();
    for (const milliseconds of [0, 5, 15, 30, 45]) {
      await web.misbehave({ path: 'model.safetensors', slow: 10, times: 99 });
      const controller = new AbortController();
      setTimeout(() => controller.abort(), milliseconds);
      await expectRejection(loadModel(web.url, { gpu, signal: controller.signal }), 'ABORTED');
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    }
    await expectModel(loadModel(web.url, { gpu }));
    await expectModel(loadModel(web.url, { gpu, offline: true }));
  }));

test('options that cannot be', async () => {
  const gpu = await Gpu.request(usual);
  const wrong = { gpu, cahce: false } as { gpu: Gpu };
  await expectRejection(loadModel('http://127.0.0.1/', wrong), 'OPTION_UNKNOWN', '"cache"');
  const noCache = loadModel('http://127.0.0.1/', { gpu, offline: true, cache: false });
  await expectRejection(noCache, 'OPTION_INVALID', 'offline');
  const unknown = (): unknown => httpSource('http://127.0.0.1/', { tokens: 'x' } as object);
  await expectRejection(unknown, 'OPTION_UNKNOWN', '"token"');
  await expectRejection(loadModel('hf:', { gpu }), 'INPUT_INVALID', 'owner/name');
  gpu.dispose();
});
