// Wrong arguments of the entry webgpu-transformer/serve.
import { expect, test } from 'vitest';
import { createHandler } from 'webgpu-transformer/serve';
import { callables } from '../support/interface.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';
import { expectRefused, type Way } from '../support/wrong-arguments.ts';

const { pipeline } = await scriptedPipeline({ text: 'Marie Curie' });
const models = { chat: pipeline };
const limits = { bodyBytes: 9, tokens: 9, choices: 9, texts: 9, waiting: 9, time: 9 };

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
