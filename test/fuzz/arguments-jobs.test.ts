// Wrong arguments of the entry webgpu-transformer/jobs, with outputs that are there already where nothing is wrong.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, pipeline } from 'webgpu-transformer';
import * as jobs from 'webgpu-transformer/jobs';
import { callables } from '../support/interface.ts';
import { writeShard } from '../support/shards.ts';
import { fixtureSource, memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'arguments-jobs-'));
const gpu = await Gpu.request();
const files = async (name: string) => memorySource(await taskFiles(name));
const embed = await pipeline('feature-extraction', await files('bert/features'), { gpu });
const classify = await pipeline('text-classification', await files('bert/nli'), { gpu });
const generate = await pipeline('text-generation', await files('gpt2'), { gpu });
const hear = await pipeline('automatic-speech-recognition', fixtureSource('whisper_task'), { gpu });
const sound = path.join(import.meta.dirname, '../fixtures/whisper_task/one.wav');
await copyFile(sound, path.join(folder, 'one.wav'));
const texts = await writeShard(folder, [{ text: 'Marie', textPair: 'Curie', audio: 'one.wav' }]);

// Any text names a folder of outputs, from here on.
const before = process.cwd();
beforeAll(() => {
  process.chdir(folder);
});

afterAll(async () => {
  process.chdir(before);
  for (const one of [embed, classify, generate, hear]) one.dispose();
  gpu.dispose();
  await rm(folder, { recursive: true });
});

const more = { modelId: 'tiny@1', resume: true };
const wayOf = (call: Way['call'], given: unknown, options: object = {}): Way => ({
  call,
  right: [() => [given, texts, path.join(folder, 'out'), { ...more, ...options }]],
});

const ways: Readonly<Record<string, Way>> = {
  embedShard: wayOf(jobs.embedShard, embed, { pipelineOptions: { normalize: true } }),
  classifyShard: wayOf(jobs.classifyShard, classify, { pairColumn: 'textPair' }),
  generateShard: wayOf(jobs.generateShard, generate, { pipelineOptions: { maxNewTokens: 2 } }),
  transcribeShard: wayOf(jobs.transcribeShard, hear),
};

const all = callables('src/jobs/index.ts');

test('every function has a case', () => {
  expect([...all.keys()].filter((name) => !name.includes('TransformerError')).toSorted()).toEqual(
    Object.keys(ways).toSorted(),
  );
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way, undefined, 7);
});
