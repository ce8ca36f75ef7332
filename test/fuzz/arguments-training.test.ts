// Wrong arguments of the entry webgpu-transformer/training.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, type Model } from 'webgpu-transformer';
import * as training from 'webgpu-transformer/training';
import { callables } from '../support/interface.ts';
import { fixtureSource, memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { MemoryTarget, tinyBatch, tinyConfig, tinyModel, trainTo } from '../support/training.ts';
import { expectEnded, expectRefused, type Way } from '../support/wrong-arguments.ts';

const { Lora, Trainer } = training;

let gpu: Gpu;
let model: Model;
let trainer: training.Trainer;
let lora: training.Lora;
/** What was disposed of. */
let ended: Readonly<Record<string, object>>;
const saved = new MemoryTarget();
const adapter = new MemoryTarget();
const of = <T>(make: () => T): (() => T)[] => [make];
const targets = ['*.q_proj'];

// Texts name folders to save to.
const home = process.cwd();
const folder = await mkdtemp(path.join(tmpdir(), 'arguments-'));

beforeAll(async () => {
  process.chdir(folder);
  gpu = await Gpu.request();
  model = await tinyModel(gpu);
  trainer = new Trainer(model, { learningRate: 0.1, optimizer: training.sgd() });
  lora = new Lora(model, { rank: 2, targets });
  await trainTo(trainer, 1);
  await trainer.save(saved);
  await lora.save(adapter);
  const gone = await tinyModel(gpu);
  const late = new Lora(model, { rank: 2, targets });
  const over = new Trainer(model, { learningRate: 0.1 });
  for (const one of [gone, late, over]) one.dispose();
  ended = { Model: gone, Lora: late, Adapter: late, Trainer: over };
});

afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
  lora.dispose();
  trainer.dispose();
  model.dispose();
  gpu.dispose();
});

/** A picture that a page got of a folder. */
const chosen = (label: string): File =>
  Object.defineProperty(new File([], '1.png'), 'webkitRelativePath', { value: `a/${label}/1.png` });
async function* rowsAsTheyCome(): AsyncGenerator<string> {
  yield 'a';
}
const table = (content: string): File => new File([content], 'metadata.csv');
const speech = await training.loadSpeechProcessor(fixtureSource('whisper_task'));
const tokenizerFiles = await taskFiles('gpt2');
const example = (): training.TokenExample => ({ inputIds: [1, 2], labels: [1, 2] });
const vector = (): training.AdapterTensors => ({
  a: { shape: [2], data: Float32Array.of(1, 2) },
});
const decay = of(() => [{ learningRate: 0.1, totalSteps: 5 }]);
const head = { stack: 'encoder', layer: 0, head: 1 };
/** A schedule is tried as well: what it was made of may not be looked at before. */
const tried =
  <Args extends unknown[]>(make: (...args: Args) => training.Schedule) =>
  (...args: Args): number =>
    make(...args)(1);

const ways: Readonly<Record<string, Way>> = {
  adam: { call: training.adam, right: of(() => [{}]) },
  adamW: { call: training.adamW, right: of(() => [{}]) },
  sgd: { call: training.sgd, right: of(() => [{}]) },
  constant: { call: tried(training.constant), right: of(() => [0.1, {}]) },
  cosine: { call: tried(training.cosine), right: decay },
  linear: { call: tried(training.linear), right: decay },
  inverseSquareRoot: { call: tried(training.inverseSquareRoot), right: of(() => [{ dModel: 4 }]) },
  trainingMemory: {
    call: training.trainingMemory,
    right: of(() => [model, { learningRate: 0.1 }, tinyBatch(0)]),
  },
  labelCrossEntropy: { call: training.labelCrossEntropy, right: of(() => [0.1]) },
  sequenceBatch: {
    call: training.sequenceBatch,
    right: of(() => [[{ source: [1], target: [2, 3] }], 0]),
    takes: { '0.0.source': ['bytes'], '0.0.target': ['bytes'] },
  },
  initialCheckpoint: {
    call: training.initialCheckpoint,
    right: of(() => [structuredClone(tinyConfig), {}]),
  },
  packExamples: { call: training.packExamples, right: of(() => [[example()], 2]) },
  exampleBatch: { call: training.exampleBatch, right: of(() => [[example()], 0]) },
  readRecords: {
    call: training.readRecords,
    right: of(() => [new TextEncoder().encode('a'), { format: 'text' as const, columns: [] }]),
  },
  audioFolder: {
    call: training.audioFolder,
    right: of(() => [[table('file_name,text\na.wav,one'), new File([], 'a.wav')], {}]),
  },
  loadSpeechProcessor: {
    call: training.loadSpeechProcessor,
    right: of(() => [fixtureSource('whisper_task'), {}]),
  },
  'speechprocessor.labels': {
    call: (...args: Parameters<training.SpeechProcessor['labels']>) => speech.labels(...args),
    right: of(() => ['one', { language: 'en', task: 'transcribe' as const }]),
  },
  soundFolder: {
    call: training.soundFolder,
    right: of(() => [
      [
        table('file_name,label\na.wav,one\nb.wav,two'),
        new File([], 'a.wav'),
        new File([], 'b.wav'),
      ],
      { labels: ['one', 'two'] },
    ]),
  },
  imageFolder: {
    call: training.imageFolder,
    right: of(() => [['a', 'b'].map(chosen), { labels: ['a', 'b'] }]),
  },
  objectFolder: {
    call: training.objectFolder,
    right: of(() => [
      [
        new File(
          ['{"file_name":"a.png","objects":{"bbox":[[1,2,3,4]],"categories":["a"]}}'],
          'metadata.jsonl',
        ),
        new File([], 'a.png'),
      ],
      { labels: ['a', 'b'] },
    ]),
  },
  streamRecords: {
    call: training.streamRecords,
    right: of(() => [new Response('a'), { format: 'text' as const, columns: [] }]),
  },
  packStream: { call: training.packStream, right: of(() => [[example()], 2]) },
  shuffledStream: {
    call: (...args: Parameters<typeof training.shuffledStream>) =>
      training.shuffledStream(...args)(0),
    right: of(() => [(): AsyncIterable<string> => rowsAsTheyCome(), { seed: 1, buffer: 2 }]),
  },
  loadTokenizer: {
    call: training.loadTokenizer,
    right: of(() => [memorySource(tokenizerFiles), {}]),
  },
  completeRun: {
    call: training.completeRun,
    right: of(() => [{ ...saved.source, write: (name: string) => Promise.reject(name) }]),
  },
  contrastive: { call: training.contrastive, right: of(() => [{}]) },
  distillation: { call: training.distillation, right: of(() => [model, {}]) },
  dpo: { call: training.dpo, right: of(() => [{ reference: model }]) },
  preferenceBatch: {
    call: training.preferenceBatch,
    right: of(() => [[{ chosen: example(), rejected: example() }], 0]),
  },
  adapterTensors: { call: training.adapterTensors, right: of(() => [adapter.source]) },
  adapterFile: { call: training.adapterFile, right: of(() => [vector()]) },
  adapterDelta: { call: training.adapterDelta, right: of(() => [vector(), vector()]) },
  mergeAdapters: {
    call: training.mergeAdapters,
    right: of(() => [[vector(), vector(), vector()], [1, 1, 1], { maxNorm: 'median' as const }]),
  },
  outerStep: {
    call: training.outerStep,
    right: of(() => [vector(), vector(), { state: { version: 0, velocity: vector() } }]),
  },
  loadLora: { call: training.loadLora, right: of(() => [model, adapter.source]) },
  pruneHeads: {
    call: training.pruneHeads,
    right: [
      () => [model, { heads: [{ ...head }] }],
      () => [model, { count: 1, scores: [{ ...head, score: 1 }] }],
    ],
    takes: { '1.count': ['undefined'], '1.scores': ['undefined'] },
  },
  gradualPruning: {
    call: training.gradualPruning,
    right: of(() => [{ sparsity: 0.5, from: 1, to: 9 }]),
  },
  'runpruning.sparsityAt': {
    call: (step: number) =>
      training.gradualPruning({ sparsity: 0.5, from: 1, to: 9 }).sparsityAt(step),
    right: of(() => [3]),
  },
  pruneWeights: { call: training.pruneWeights, right: of(() => [model, { sparsity: 0.1 }]) },
  robustness: {
    call: training.robustness,
    right: of(() => [model, [tinyBatch(1)], { method: 'fgm' as const, epsilon: 0.1 }, {}]),
  },
  taskMetrics: {
    call: training.taskMetrics,
    right: of(() => [model, [tinyBatch(1)], { tokenizer: { decode: String } }]),
    takes: { '2.tokenizer.decode': ['function'] },
  },
  'new EarlyStopping': {
    call: (options: training.EarlyStoppingOptions) => new training.EarlyStopping(options),
    right: of(() => [{ metric: 'loss' as const }]),
  },
  'earlystopping.observe': {
    call: (step: number, metrics: training.TaskMetrics) =>
      new training.EarlyStopping({ metric: 'loss' }).observe(step, metrics),
    right: of(() => [1, { loss: 1 }]),
  },
  scoreHeads: { call: training.scoreHeads, right: of(() => [model, [tinyBatch(1)], {}]) },
  'new Lora': {
    call: (...args: ConstructorParameters<typeof Lora>) => new Lora(...args),
    right: of(() => [
      model,
      { targets: [...targets], rankPattern: {}, alphaPattern: {}, modulesToSave: [] },
      { baseModel: null, taskType: null },
    ]),
  },
  withAdapters: {
    call: (...args: Parameters<typeof training.withAdapters>) =>
      training.withAdapters(...args).dispose(),
    right: [() => [model, lora], () => [model, [{ adapter: lora, weight: 0.5 }]]],
  },
  'lora.files': { call: () => lora.files(), right: of(() => []) },
  'lora.save': { call: (to) => lora.save(to), right: of(() => [new MemoryTarget()]) },
  'lora.merge': { call: () => lora.merge().then(() => lora.unmerge()), right: of(() => []) },
  'lora.unmerge': { call: () => lora.merge().then(() => lora.unmerge()), right: of(() => []) },
  'lora.dispose': { call: () => new Lora(model, { targets }).dispose(), right: of(() => []) },
  'pruningmask.keepIn': {
    call: async (other: training.Trainer) => {
      const { mask } = await training.pruneWeights(model, { sparsity: 0 });
      await mask.keepIn(other);
    },
    right: of(() => [trainer]),
  },
  'new Trainer': {
    call: (...args: ConstructorParameters<typeof Trainer>) => new Trainer(...args),
    right: of(() => [model, { learningRate: 0.1 }]),
  },
  'trainer.steps': {
    call: async (batches, options) => {
      for await (const { step } of trainer.steps(batches, options)) if (step > 0) break;
    },
    right: of(() => [[tinyBatch(1)], { maxSteps: trainer.step + 1 }]),
    // A batch that is undefined is the end.
    takes: { 0: ['a list of holes'] },
  },
  'trainer.evaluate': {
    call: (...args: Parameters<training.Trainer['evaluate']>) => trainer.evaluate(...args),
    right: of(() => [[tinyBatch(1)], {}]),
  },
  'trainer.save': {
    call: (...args: Parameters<training.Trainer['save']>) => trainer.save(...args),
    right: of(() => [new MemoryTarget(), {}]),
  },
  'trainer.saveModel': {
    call: (...args: Parameters<training.Trainer['save']>) => trainer.saveModel(...args),
    right: of(() => [new MemoryTarget(), {}]),
  },
  'trainer.restore': { call: (from) => trainer.restore(from), right: of(() => [saved.source]) },
  'trainer.resumeAt': {
    call: (...args: [number, number]) => trainer.resumeAt(...args),
    right: of(() => [1, 1]),
  },
  'trainer.dispose': {
    call: () => new Trainer(model, { learningRate: 0.1 }).dispose(),
    right: of(() => []),
  },
};

/** What callers write themselves, and the library calls. */
const theirs = ['adapter.files', 'target.write'];
/** Tried in training and training/data: they are called with a tokenizer or a processor, or with rows of any kind. */
const ofProcessors = [
  'imageBatch',
  'objectBatch',
  'soundBatch',
  'speechBatch',
  'textExample',
  'completionExample',
  'chatExample',
  'contrastiveBatch',
  'labelledBatch',
  'maskedExample',
  'preferenceExample',
  'shuffled',
];
const all = callables('src/training/index.ts');

test('every function has a case', () => {
  expect([...all.keys()].toSorted()).toEqual(
    [...Object.keys(ways), ...theirs, ...ofProcessors].toSorted(),
  );
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way, () => gpu.memory.buffers);
});

test.each(Object.entries(ways))('%s, after a disposal', async (name, way) => {
  await expectEnded(all.get(name)!, way, ended);
});
