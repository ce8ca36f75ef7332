// Wrong arguments of the entry webgpu-transformer/serve.
import { afterAll, expect, test } from 'vitest';
import { Gpu, loadModel } from 'webgpu-transformer';
import { createHandler, RunningBatch } from 'webgpu-transformer/serve';
import { callables } from '../support/interface.ts';
import { fixtureSource } from '../support/source.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

const { pipeline } = await scriptedPipeline({ text: 'Marie Curie' });
const models = { chat: pipeline };
const limits = { bodyBytes: 9, tokens: 9, choices: 9, texts: 9, waiting: 9, time: 9 };

const gpu = await Gpu.request();
const model = await loadModel(fixtureSource('gpt2'), { gpu });
const batch = new RunningBatch(model);
afterAll(() => gpu.dispose());
const inputs = { inputIds: [[5, 9, 2]] };

const ways: Readonly<Record<string, Way>> = {
  createHandler: {
    call: createHandler,
    right: [
      () => [
        {
          models,
          apiKeys: ['key'],
          cors: ['https://example.org'],
          basePath: '/api',
          limits,
          log: () => undefined,
          logPrompts: true,
        },
      ],
    ],
  },
  'handler.close': {
    call: (...args) => createHandler({ models }).close(...args),
    right: [() => [{ patience: 5 }]],
  },
  'new RunningBatch': {
    call: (...args: ConstructorParameters<typeof RunningBatch>) => new RunningBatch(...args),
    right: [() => [model, { maxSequences: 2, maxLength: 20, maxTokens: 40 }]],
  },
  'runningbatch.dispose': { call: () => new RunningBatch(model).dispose(), right: [() => []] },
  'runningbatch.stream': {
    call: (...args: Parameters<RunningBatch['stream']>) => batch.stream(...args),
    right: [() => [inputs, { maxNewTokens: 2 }]],
  },
};

const all = callables('src/serve/index.ts');

test('every function has a case', () => {
  expect([...all.keys()].toSorted()).toEqual(Object.keys(ways).toSorted());
});

test.each(Object.entries(ways))('%s', async (name, way) => {
  await expectRefused(all.get(name)!, way);
});

test('the handler itself', async () => {
  const handler = createHandler({ models });
  const wrong: readonly (readonly unknown[])[] = [
    [],
    [null],
    [5],
    [{}],
    [new Request('http://localhost/v1/models'), null],
    [new Request('http://localhost/v1/models'), 5],
    [new Request('http://localhost/v1/models'), { clients: 'a' }],
    [new Request('http://localhost/v1/models'), { client: 5 }],
  ];
  for (const args of wrong) {
    const answer = handler(...(args as Parameters<typeof handler>));
    await expect(answer).rejects.toMatchObject({ name: 'TransformerError' });
  }
});
