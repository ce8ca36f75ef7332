// Wrong arguments of loading, of models and of devices.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as library from 'webgpu-transformer';
import { callables } from '../support/interface.ts';
import { fixtureSource, memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { tinySource } from '../support/training.ts';
import { expectEnded, expectRefused, type Way } from '../support/wrong-arguments.ts';
import { wrongValues } from '../support/wrong-values.ts';

const { Gpu, loadModel, pipeline } = library;

let gpu: library.Gpu;
let model: library.Model;
let other: library.Gpu;
/** What was disposed of. */
let ended: Readonly<Record<string, object>>;

beforeAll(async () => {
  gpu = await Gpu.request();
  other = await Gpu.request();
  model = await loadModel(tinySource(), { gpu });
  const gone = [await loadModel(tinySource(), { gpu }), await Gpu.request()] as const;
  for (const one of gone) one.dispose();
  ended = { Model: gone[0], Gpu: gone[1] };
});

afterAll(() => {
  model.dispose();
  other.dispose();
  gpu.dispose();
});

const ids = (): object => ({ inputIds: [[3, 4]] });
const both = (): object => ({ ...ids(), decoderInputIds: [[0, 3]] });
const edit = (): object[] => [{ at: 'encoder.layers.0.output', scale: 2 }];
const generation = (): unknown[] => [ids(), { maxNewTokens: 2, edit: edit() }];
/** As in Hugging Face null is no wish, and one token stands for a list of it. */
const lenient = (at: string): NonNullable<Way['takes']> => ({
  [`${at}.stopStrings`]: ['no list', 'a list of holes'],
  [`${at}.suppressTokens`]: ['zero'],
  [`${at}.beginSuppressTokens`]: ['zero'],
});
const files = memorySource(await taskFiles('bert/multi'));
const soundFiles = memorySource({
  'preprocessor_config.json': new TextEncoder().encode(
    '{ "feature_extractor_type": "Wav2Vec2FeatureExtractor" }',
  ),
});
const pictureFiles = fixtureSource('vit');
const imageProcessor = await library.ImageProcessor.load(pictureFiles);
const dot = { data: Uint8Array.of(7), width: 1, height: 1, channels: 1 };
/** A stream that is over at once, as browsers have it. */
const silence = {
  getAudioTracks: () => [
    { addEventListener: (_: string, end: () => void) => end(), removeEventListener: () => {} },
  ],
};
vi.stubGlobal(
  'AudioContext',
  class {
    readonly sampleRate = 8;
    readonly createMediaStreamSource = () => ({ connect: (node: object) => node });
    readonly createScriptProcessor = () => ({ addEventListener: () => {}, connect: () => {} });
    readonly resume = () => Promise.resolve();
    readonly close = () => Promise.resolve();
  },
);
const extractor = await library.FeatureExtractor.load(soundFiles);
/** Files are looked at when they are read; nothing is kept of them. */
const given = [...wrongValues.keys()].filter((name) => /list of|bytes|64 bits/.test(name));
const given0 = [...wrongValues.keys()];
const noCache = { cache: false } as const;

const ways: Readonly<Record<string, Way>> = {
  'model.forward': {
    call: (...args: Parameters<library.Model['forward']>) => model.forward(...args),
    right: [() => [both(), { capture: ['logits'], edit: [{ at: 'logits', scale: 2 }] }]],
  },
  'model.points': { call: () => model.points(), right: [() => []] },
  'model.generate': {
    call: (...args: Parameters<library.Model['generate']>) => model.generate(...args),
    right: [generation],
    takes: lenient('1'),
  },
  'model.generateTogether': {
    call: (...args: Parameters<library.Model['generateTogether']>) =>
      model.generateTogether(...args),
    right: [() => [[{ inputs: ids(), options: { maxNewTokens: 2 } }]]],
    takes: lenient('0.0.options'),
  },
  'model.stream': {
    call: (...args: Parameters<library.Model['stream']>) => model.stream(...args),
    right: [generation],
    takes: lenient('1'),
  },
  'model.dispose': { call: () => undefined, right: [() => []] },
  loadModel: { call: loadModel, right: [() => [tinySource(), { gpu, ...noCache }]] },
  pipeline: {
    call: pipeline,
    right: [() => ['text-classification', files, { gpu, ...noCache }]],
  },
  readAudio: {
    call: library.readAudio,
    right: [
      () => [
        { data: Float32Array.of(1, 0.5), samplingRate: 8 },
        { samplingRate: 4, gpu },
      ],
    ],
  },
  recordAudio: {
    call: library.recordAudio,
    right: [() => [silence, { windowLength: 1 }]],
  },
  'ImageProcessor.load': {
    call: library.ImageProcessor.load.bind(library.ImageProcessor),
    right: [() => [pictureFiles, undefined]],
  },
  'imageprocessor.process': {
    call: (...args: Parameters<library.ImageProcessor['process']>) =>
      imageProcessor.process(...args),
    right: [() => [gpu, dot, {}], () => [gpu, [dot], {}]],
  },
  'imageprocessor.sizeOf': {
    call: (...args: Parameters<library.ImageProcessor['sizeOf']>) => imageProcessor.sizeOf(...args),
    right: [() => [[3, 4]]],
  },
  'FeatureExtractor.load': {
    call: library.FeatureExtractor.load.bind(library.FeatureExtractor),
    right: [() => [soundFiles, undefined]],
  },
  'featureextractor.features': {
    call: (...args: Parameters<library.FeatureExtractor['features']>) =>
      extractor.features(...args),
    right: [() => [gpu, [Float32Array.of(1, 0.5)], {}]],
  },
  modelSize: { call: library.modelSize, right: [() => [fixtureSource('marian'), { ...noCache }]] },
  isCached: {
    call: library.isCached,
    right: [() => [fixtureSource('marian'), {}]],
    takes: { 0: given, '0.0': given0 },
  },
  clearCache: {
    call: library.clearCache,
    right: [() => [fixtureSource('marian'), { cache: '/nowhere/cache' }]],
    takes: { 0: given, '0.0': given0 },
  },
  httpSource: {
    call: library.httpSource,
    right: [() => ['https://host.test/', {}]],
    takes: { '1.fetch': ['function'] },
  },
  directorySource: { call: library.directorySource, right: [() => ['/nowhere']] },
  directoryTarget: { call: library.directoryTarget, right: [() => ['/nowhere']] },
  'Gpu.request': {
    call: library.Gpu.request.bind(library.Gpu),
    right: [() => [{ tier: 'software', features: [] }]],
  },
  'Gpu.from': {
    call: library.Gpu.from.bind(library.Gpu),
    right: [() => [other.device, {}]],
  },
  'gpu.restore': { call: () => undefined, right: [() => []] },
  'gpu.dispose': { call: () => undefined, right: [() => []] },
};

const all = callables('src/index.node.ts');
/** Pipelines and tokenizers are tried by themselves; sources are called by the library. */
const elsewhere =
  /^(new TransformerError|source\.read|remotesource\.(read|stat)|cosineSimilarity|tokenizer\..*|(ner|translation|embeddings|summarization|[a-z0-9]+(-[a-z0-9]+)+)(\..*)?)$/;

test('every function has a case', () => {
  const named = [...all.keys()].filter((name) => !elsewhere.test(name));
  expect(named.toSorted()).toEqual(Object.keys(ways).toSorted());
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way, () => gpu.memory.buffers);
});

test.each(Object.entries(ways))('%s, after a disposal', async (name, way) => {
  await expectEnded(all.get(name)!, way, ended);
});
