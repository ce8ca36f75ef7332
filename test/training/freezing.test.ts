// Which parameters train, and which of them decay: by their names in the checkpoint.

import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  adamW,
  type NamePattern,
  sequenceBatch,
  sgd,
  Trainer,
  type TrainerOptions,
} from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import type { StoredValues } from '../../src/source/safetensors-writer.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const onGpu = sharedGpu();

type Fixture = 'marian' | 'torch_train_post_adam';
type Tensors = Map<string, StoredValues>;

const batch: ModelInputs = sequenceBatch(
  [
    { source: [5, 9, 3, 0], target: [7, 3, 0] },
    { source: [8, 0], target: [4, 11, 6, 0] },
  ],
  0,
);

/** Three steps from a fixture: its tensors before and after, and how many numbers train. */
async function train(
  fixture: Fixture,
  options: Partial<TrainerOptions>,
): Promise<{ before: Tensors; after: Tensors; count: number; gradNorm: number }> {
  let result: Awaited<ReturnType<typeof train>> | undefined;
  await onGpu(async (gpu) => {
    const model = await loadModel(fixtureSource(fixture), { gpu, training: true });
    const trainer = new Trainer(model, { learningRate: 0.01, ...options });
    const { parameters } = trainer.state;
    const before = await readParameters(gpu, parameters);
    // torch has no start token in a config of its own: the decoder's input is given.
    const inputs = {
      ...batch,
      decoderInputIds: [
        [1, 7, 3, 1],
        [1, 4, 11, 6],
      ],
    };
    let gradNorm = 0;
    for await (const step of trainer.steps(() => inputs, { maxSteps: 3 })) {
      if (step.step === 1) ({ gradNorm } = step);
    }
    const after = await readParameters(gpu, parameters);
    result = { before, after, count: trainer.trainableParameters, gradNorm };
    trainer.dispose();
    model.dispose();
  });
  return result!;
}

const bits = (tensor: StoredValues | undefined): number[] => [
  ...new Uint32Array(Float32Array.from(tensor!.data).buffer),
];

const layer = 'model.encoder.layers.1.self_attn';
const frozen: [Fixture, NamePattern[], (name: string) => boolean][] = [
  // Keys stand between queries and values in one tensor.
  ['marian', [`${layer}.k_proj.weight`], (name) => name === `${layer}.k_proj.weight`],
  ['marian', ['model.shared.weight'], (name) => name === 'model.shared.weight'],
  ['marian', ['*.layers.0.*', /BIAS$/gi], (name) => /\.layers\.0\.|bias$/.test(name)],
  [
    'marian',
    [/^model\.(?!shared)/],
    (name) => name.startsWith('model.') && !name.includes('shared'),
  ],
  // One stored tensor that lies in two: queries, and keys with values.
  [
    'torch_train_post_adam',
    ['*decoder.layers.0.multihead_attn.in_proj_*'],
    (name) => name.includes('decoder.layers.0.multihead_attn.in_proj_'),
  ],
];

test.each(frozen)('%s: %o stay as they are, the others train', async (fixture, freeze, stays) => {
  const { before, after, count } = await train(fixture, { freeze });
  let trained = 0;
  for (const [name, tensor] of before) {
    const same = bits(tensor).join() === bits(after.get(name)).join();
    const isConstant = name === 'final_logits_bias';
    expect(same, `tensor ${name}`).toBe(isConstant || stays(name));
    if (!isConstant && !stays(name)) trained += tensor.data.length;
  }
  expect(count).toBe(trained);
});

test('the norm of gradients is of those that train, and decay shrinks no frozen tensor', async () => {
  const all = await train('marian', { optimizer: sgd(), decay: 'all' });
  const few = await train('marian', {
    optimizer: sgd({ weightDecay: 0.5 }),
    freeze: ['model.*coder.*'],
    decay: 'all',
  });
  const rest = await train('marian', { optimizer: sgd(), freeze: ['model.shared.*'] });
  expect(few.gradNorm).toBeLessThan(all.gradNorm);
  const together = Math.hypot(few.gradNorm, rest.gradNorm);
  expect(Math.abs(together - all.gradNorm)).toBeLessThan(1e-5 * all.gradNorm);
  for (const [name, tensor] of few.before) {
    if (!name.startsWith('model.shared'))
      expect(bits(few.after.get(name)), `tensor ${name}`).toEqual(bits(tensor));
  }
});

const groups: [string, TrainerOptions['decay'], (name: string, rank: number) => boolean][] = [
  ['matrices by default', undefined, (_, rank) => rank > 1],
  ['matrices', 'matrices', (_, rank) => rank > 1],
  ['all', 'all', () => true],
  ['none', [], () => false],
  ['one of a stack', ['*v_proj.weight'], (name) => name.endsWith('v_proj.weight')],
  ['biases', [/bias$/], (name) => name.endsWith('bias')],
];

test.each(groups)('weight decay of %s', async (_, decay, decays) => {
  // A rate so small that three steps by the gradients hardly show beside the decay.
  const run = (weightDecay: number) =>
    train('marian', {
      learningRate: 1e-6,
      optimizer: adamW({ weightDecay }),
      ...(decay && { decay }),
    });
  const [without, shrunk] = [await run(0), await run(1e4)];
  for (const [name, { data, shape }] of without.after) {
    if (name === 'final_logits_bias') continue;
    const got = shrunk.after.get(name)!.data;
    // Three steps take 1 % each. The gradients are others then, but Adam's steps stay within 1e-6.
    const kept = decays(name, shape.length) ? 0.99 ** 3 : 1;
    const worst = Math.max(...data.map((value, i) => Math.abs(got[i]! - kept * value)));
    expect(worst, `tensor ${name}`).toBeLessThan(1e-5);
    expect(Math.max(...data.map(Math.abs)), `tensor ${name}`).toBeGreaterThan(0.01);
  }
});

test('patterns that leave nothing to do are refused', async () => {
  const refuse = (options: Partial<TrainerOptions>, ...parts: string[]) =>
    expectRejection(train('marian', options), 'OPTION_INVALID', ...parts);
  await refuse({ freeze: ['*'] }, 'nothing to train');
  await refuse({ freeze: [/./] }, 'Every parameter is frozen');
  await refuse({ freeze: ['model.shard.weight'] }, 'freeze', 'Did you mean "model.shared.weight"?');
  await refuse({ freeze: ['*', '*.quary.*'] }, 'freeze', '*.quary.*');
  await refuse({ decay: ['model.shared'] }, 'decay', '"model.shared.weight"');
  await refuse({ decay: [/nothing like it/] }, 'decay', '/nothing like it/');
  // A pattern is a whole name, and a dot is a dot.
  await refuse({ freeze: ['shared'] }, '"shared"');
  await refuse({ freeze: ['model.shared?weight'] }, 'Did you mean');
  await refuse({ freeze: ['model*shared.weigh'] }, 'freeze');
});
