// Wrong arguments where most of the library is called, in browsers too: test/fuzz tries all of it, in Node.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callables } from 'virtual:interface';
import { Gpu, httpSource, loadModel, type Model, pipeline } from 'webgpu-transformer';
import { Lora, Trainer } from 'webgpu-transformer/training';
import { memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { tinyBatch, tinySource } from '../support/training.ts';
import { expectEnded, expectRefused, type Way } from '../support/wrong-arguments.ts';

let gpu: Gpu;
let model: Model;
let trainer: Trainer;
let ended: Readonly<Record<string, object>>;

beforeAll(async () => {
  gpu = await Gpu.request();
  const load = (): Promise<Model> => loadModel(tinySource(), { gpu, training: true });
  model = await load();
  trainer = new Trainer(model, { learningRate: 0.1 });
  const gone = { Model: await load(), Gpu: await Gpu.request() };
  const late = { Lora: new Lora(model), Trainer: new Trainer(model, { learningRate: 0.1 }) };
  ended = { ...gone, ...late, Adapter: late.Lora };
  for (const one of [late.Lora, late.Trainer, gone.Model, gone.Gpu]) one.dispose();
});

afterAll(() => {
  trainer.dispose();
  model.dispose();
  gpu.dispose();
});

const files = memorySource(await taskFiles('bert/multi'));
const ids = (): object => ({ inputIds: [[3, 4]] });
const generation = (): unknown[] => [ids(), { maxNewTokens: 2 }];
const lenient = {
  '1.stopStrings': ['no list', 'a list of holes'],
  '1.suppressTokens': ['zero'],
  '1.beginSuppressTokens': ['zero'],
};
const noCache = { cache: false } as const;

const ways: Readonly<Record<string, Way>> = {
  'Gpu.request': {
    call: Gpu.request.bind(Gpu),
    right: [() => [{ tier: 'software', features: [] }]],
  },
  httpSource: {
    call: httpSource,
    right: [() => ['https://host.test/', {}]],
    takes: { '1.fetch': ['function'] },
  },
  loadModel: { call: loadModel, right: [() => [tinySource(), { gpu, ...noCache }]] },
  pipeline: {
    call: pipeline,
    right: [() => ['text-classification', files, { gpu, ...noCache }]],
  },
  'model.forward': {
    call: (...args: Parameters<Model['forward']>) => model.forward(...args),
    right: [() => [{ ...ids(), decoderInputIds: [[0, 3]] }, {}]],
  },
  'model.generate': {
    call: (...args: Parameters<Model['generate']>) => model.generate(...args),
    right: [generation],
    takes: lenient,
  },
  'model.stream': {
    call: (...args: Parameters<Model['stream']>) => model.stream(...args),
    right: [generation],
    takes: lenient,
  },
  'new Lora': {
    call: (...args: ConstructorParameters<typeof Lora>) => new Lora(...args),
    right: [() => [model, { targets: ['*.q_proj'] }]],
  },
  'new Trainer': {
    call: (...args: ConstructorParameters<typeof Trainer>) => new Trainer(...args),
    right: [() => [model, { learningRate: 0.1 }]],
  },
  'trainer.evaluate': {
    call: (...args: Parameters<Trainer['evaluate']>) => trainer.evaluate(...args),
    right: [() => [[tinyBatch(1)], {}]],
  },
};

test.each(Object.entries(ways))('%s', async (name, way) => {
  const callable = callables.get(name);
  expect(callable?.slots.length).toBeGreaterThan(0);
  await expectRefused(callable!, way, () => gpu.memory.buffers, 4);
  await expectEnded(callable!, way, ended);
});
