// Preferences: losses and gradients as the formula has them in PyTorch, references of both kinds, and a model that comes
// to prefer what is chosen.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  dpo,
  loadLora,
  loadTokenizer,
  Lora,
  preferenceBatch,
  preferenceExample,
  sgd,
  Trainer,
} from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { expectClose } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource, readValues } from '../support/source.ts';

interface Expected {
  readonly checkpoint: string;
  readonly adapter: string;
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
  readonly labels: number[][];
  /** The case that there are gradients of. */
  readonly grads: number;
  readonly cases: readonly {
    readonly beta: number;
    readonly label_smoothing: number;
    readonly loss: number;
    readonly grad_norm: number;
  }[];
}

const expected = (await readFixtureJson('dpo/expected.json')) as Expected;
const inputs: ModelInputs = {
  inputIds: expected.input_ids,
  attentionMask: expected.attention_mask,
  labels: expected.labels,
};

for (const { name, options } of await bothTiers()) {
  const onGpu = sharedGpu(options);
  test(`losses and gradients are those of the formula, ${name}`, () =>
    onGpu(async (gpu) => {
      const wanted = readValues(await readFixture('dpo/grads.safetensors'));
      using model = await loadModel(fixtureSource(expected.checkpoint), { gpu });
      using reference = await loadModel(fixtureSource(expected.checkpoint), { gpu });
      for (const [index, { loss, grad_norm: norm, ...own }] of expected.cases.entries()) {
        const { beta, label_smoothing: labelSmoothing } = own;
        for (const other of [undefined, reference]) {
          using adapter = await loadLora(model, fixtureSource(expected.adapter));
          using trainer = new Trainer(model, {
            learningRate: 1,
            optimizer: sgd(),
            adapter,
            objective: dpo({ beta, labelSmoothing, ...(other && { reference: other }) }),
          });
          const { loss: held } = await trainer.evaluate([inputs]);
          expect(Math.abs(held - loss)).toBeLessThan(1e-5 * loss);
          const before = await readParameters(gpu, adapter.parameters);
          for await (const step of trainer.steps([inputs])) {
            expect(Math.abs(step.loss - loss)).toBeLessThan(1e-5 * loss);
            expect(Math.abs(step.gradNorm - norm)).toBeLessThan(1e-4 * norm);
          }
          if (index !== expected.grads || other !== undefined) continue;
          const after = await readParameters(gpu, adapter.parameters);
          expect(before.size).toBe(wanted.size);
          for (const [key, { data, shape }] of before) {
            const moved = Float32Array.from(data, (value, i) => value - after.get(key)!.data[i]!);
            expectClose({ data: moved, shape }, wanted.get(key)!, key, undefined, 1e-4);
          }
        }
      }
    }));
}

const onGpu = sharedGpu();

test('a model comes to prefer what is chosen, from a loss of log 2 on', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu, dtype: 'int8' });
    using adapter = new Lora(model, { rank: 4 });
    using trainer = new Trainer(model, { learningRate: 0.02, adapter, objective: dpo() });
    const found: number[] = [];
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 15 })) found.push(loss);
    expect(Math.abs(found[0]! - Math.LN2)).toBeLessThan(1e-5);
    expect(found.at(-1)!).toBeLessThan(0.3);
  }));

test('whole models train with a reference, and are refused without', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu, training: true });
    const step = async (objective = dpo(), batch = inputs): Promise<number> => {
      using trainer = new Trainer(model, { learningRate: 1e-30, objective });
      for await (const { loss } of trainer.steps([batch])) return loss;
      return NaN;
    };
    await expectRejection(step(), 'OPTION_INVALID', 'pass a reference');
    using other = await loadModel(fixtureSource('qwen2'), { gpu });
    expect(Math.abs((await step(dpo({ reference: other }))) - Math.LN2)).toBeGreaterThan(1e-3);
    const odd = { inputIds: inputs.inputIds!.slice(1), labels: expected.labels.slice(1) };
    await expectRejection(step(dpo({ reference: other }), odd), 'INPUT_INVALID', '5 rows');
    using encoder = await loadModel(fixtureSource('bert_base'), { gpu, training: true });
    await expectRejection(
      () => new Trainer(encoder, { learningRate: 1, objective: dpo() }),
      'MODEL_UNSUPPORTED',
      'no loss',
    );
  }));

test('preferences become batches, of which the answers count', async () => {
  const tokenizer = await loadTokenizer(fixtureSource('tokenizers/wordpiece'));
  const pair = { prompt: 'one two', chosen: ' three', rejected: ' four five' };
  const example = await preferenceExample(tokenizer, pair);
  const answers = [example.chosen, example.rejected].map(({ labels }) =>
    labels.filter((label) => label !== -100),
  );
  expect(answers[0]).not.toEqual(answers[1]);
  const batch = preferenceBatch([example, example], 0);
  expect(batch.labels).toHaveLength(4);
  expect(batch.labels![0]).toEqual(batch.labels![1]);
  await expectRejection(
    preferenceExample(tokenizer, { chosen: 'a', rejected: 'b' } as unknown as typeof pair),
    'INPUT_INVALID',
    '{ prompt, chosen, rejected }',
  );
  await expectRejection(() => preferenceBatch([], 0), 'INPUT_INVALID');
});
