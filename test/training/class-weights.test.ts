// Classes that count more than others, next to PyTorch, and penalties of the size of parameters.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { sgd, Trainer, type TrainerOptions } from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { withTrainer, tinyBatch } from '../support/training.ts';

interface Expected {
  readonly cases: readonly {
    readonly checkpoint: string;
    readonly class_weights: number[];
    readonly label_smoothing: number;
    readonly loss: number;
    readonly grad_norm: number;
  }[];
}

const { cases } = (await readFixtureJson('class_weights/expected.json')) as Expected;

for (const { name, options } of await bothTiers()) {
  const onGpu = sharedGpu(options);
  test(`weights of classes are those of PyTorch, ${name}`, () =>
    onGpu(async (gpu) => {
      for (const [index, wanted] of cases.entries()) {
        const inputs = callInputs(await readCase(wanted.checkpoint), 'main');
        using model = await loadModel(fixtureSource(wanted.checkpoint), { gpu, training: true });
        using trainer = new Trainer(model, {
          learningRate: 1e-30,
          optimizer: sgd(),
          classWeights: wanted.class_weights,
          labelSmoothing: wanted.label_smoothing,
        });
        for await (const { loss, gradNorm } of trainer.steps([inputs])) {
          expect(Math.abs(loss - wanted.loss)).toBeLessThan(1e-5);
          expect(Math.abs(gradNorm - wanted.grad_norm)).toBeLessThan(1e-4);
        }
        // Evaluation leaves smoothing out: the case before has the same weights without.
        const plain = cases[index - (wanted.label_smoothing > 0 ? 1 : 0)]!.loss;
        const { loss } = await trainer.evaluate([inputs]);
        expect(Math.abs(loss - plain)).toBeLessThan(1e-5);
      }
    }));
}

const onGpu = sharedGpu();

/** All parameters, and what one step of gradient descent makes of them. */
async function step(options: Partial<TrainerOptions>): Promise<Map<string, number[]>[]> {
  const found: Map<string, number[]>[] = [];
  const settings = { optimizer: sgd(), learningRate: 1, dropout: false, ...options };
  await onGpu((gpu) =>
    withTrainer(gpu, settings, async (trainer) => {
      const read = async (): Promise<void> => {
        const values = await readParameters(gpu, trainer.state.parameters);
        found.push(new Map([...values].map(([key, { data }]) => [key, [...data]])));
      };
      await read();
      for await (const { skipped } of trainer.steps([tinyBatch(1)])) expect(skipped).toBe(false);
      await read();
    }),
  );
  return found;
}

test.each([1, 2])('penalties pull what decays towards 0, %i batches a step', async (accumulate) => {
  const [l1, l2] = [0.03, 0.2];
  const [before, plain] = await step({ accumulate });
  const [, pulled] = await step({ accumulate, penalty: { l1, l2 } });
  let matrices = 0;
  for (const [name, values] of pulled!) {
    const isMatrix = name.endsWith('weight') && !name.includes('norm');
    matrices += isMatrix ? 1 : 0;
    values.forEach((value, i) => {
      const p = before!.get(name)![i]!;
      const pull = isMatrix ? l1 * Math.sign(p) + l2 * p : 0;
      expect(Math.abs(plain!.get(name)![i]! - pull - value)).toBeLessThan(1e-6);
    });
  }
  expect(matrices).toBeGreaterThan(5);
});

test('what weights and penalties cannot be is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu, training: true });
    const inputs = callInputs(await readCase('bert_seqcls'), 'main');
    const run = async (options: Partial<TrainerOptions>, batch: ModelInputs = inputs) => {
      using trainer = new Trainer(model, { learningRate: 1e-30, ...options });
      await trainer.steps([batch]).next();
    };
    const refused = (options: object, ...parts: string[]): Promise<void> =>
      expectRejection(run(options), 'OPTION_INVALID', ...parts);
    await refused({ classWeights: [] }, 'one for each class');
    await refused({ classWeights: [1, -1, 1] }, 'classWeights');
    await refused({ classWeights: [1, 1] }, '2 numbers', '3 classes');
    await refused({ penalty: { l1: -1 } }, 'penalty.l1');
    const alone = { classWeights: [0, 0, 0] };
    await expectRejection(run(alone), 'INPUT_INVALID', 'weigh nothing');
    using writer = await loadModel(fixtureSource('gpt2'), { gpu, training: true });
    const text = callInputs(await readCase('gpt2'), 'main');
    using trainer = new Trainer(writer, {
      learningRate: 1e-30,
      classWeights: Array<number>(120).fill(1),
    });
    await expectRejection(trainer.steps([text]).next(), 'MODEL_UNSUPPORTED', 'for classifiers');
  }));
