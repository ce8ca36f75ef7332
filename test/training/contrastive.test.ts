// Texts that are to be near each other: losses and gradients as sentence-transformers has them, encoders without a head,
// and adapters on them.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import {
  contrastive,
  contrastiveBatch,
  loadTokenizer,
  Lora,
  sgd,
  Trainer,
  type TextPooling,
} from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { expectClose } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource, readValues } from '../support/source.ts';

interface Expected {
  readonly checkpoint: string;
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
  /** The case that there are gradients of. */
  readonly grads: number;
  readonly cases: readonly {
    readonly pooling: TextPooling;
    readonly columns: number;
    readonly scale: number;
    readonly loss: number;
    readonly grad_norm: number;
  }[];
}

const expected = (await readFixtureJson('contrastive/expected.json')) as Expected;
const inputs: ModelInputs = {
  inputIds: expected.input_ids,
  attentionMask: expected.attention_mask,
};

for (const { name, options } of await bothTiers()) {
  const onGpu = sharedGpu(options);
  test(`losses and gradients are those of sentence-transformers, ${name}`, () =>
    onGpu(async (gpu) => {
      const wanted = readValues(await readFixture('contrastive/grads.safetensors'));
      for (const [index, { loss, grad_norm: norm, ...settings }] of expected.cases.entries()) {
        using model = await loadModel(fixtureSource(expected.checkpoint), { gpu, training: true });
        using trainer = new Trainer(model, {
          learningRate: 1,
          optimizer: sgd(),
          objective: contrastive(settings),
          dropout: false,
        });
        const { loss: held } = await trainer.evaluate([inputs]);
        expect(Math.abs(held - loss)).toBeLessThan(1e-5 * loss);
        const before = await readParameters(gpu, trainer.state.parameters);
        for await (const step of trainer.steps([inputs])) {
          expect(Math.abs(step.loss - loss)).toBeLessThan(1e-5 * loss);
          expect(Math.abs(step.gradNorm - norm)).toBeLessThan(1e-4 * norm);
        }
        if (index !== expected.grads) continue;
        // A step of 1 takes the gradient away from the weights; the pooler has none.
        const after = await readParameters(gpu, trainer.state.parameters);
        for (const [key, { data, shape }] of before) {
          const moved = Float32Array.from(data, (value, i) => value - after.get(key)!.data[i]!);
          const gradient = wanted.get(key);
          if (gradient === undefined) {
            expect(key).toMatch(/^pooler/);
            expect(moved.every((value) => value === 0)).toBe(true);
          } else if (!key.endsWith('key.bias')) {
            expectClose({ data: moved, shape }, gradient, key, undefined, 1e-3);
          }
        }
      }
    }));
}

const onGpu = sharedGpu();

/** The losses of steps on one batch. */
async function losses(
  model: Model,
  lora: Lora,
  steps: number,
  batch: ModelInputs,
): Promise<number[]> {
  using trainer = new Trainer(model, {
    learningRate: 0.01,
    adapter: lora,
    objective: contrastive({ scale: 10 }),
  });
  const found: number[] = [];
  for await (const { loss } of trainer.steps(() => batch, { maxSteps: steps })) found.push(loss);
  return found;
}

test.each([
  ['bert_base', 'f32'],
  ['bert_base', 'int8'],
  ['bert_mlm', 'f16'],
  ['variants/t5_encoder', 'f32'],
  ['variants/gpt2_model', 'f32'],
] as const)('an adapter of %s learns which texts belong together, over %s', (name, dtype) =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu, dtype });
    const targets = name.includes('gpt2') ? ['*.c_attn'] : /\.(?:query|value|q|v)$/;
    using lora = new Lora(model, { rank: 4, targets });
    const few = inputs.inputIds!.map((row) => row.map((id) => id % 43));
    const found = await losses(model, lora, 12, { ...inputs, inputIds: few });
    expect(found.at(-1)!).toBeLessThan(0.7 * found[0]!);
  }),
);

test('a model without a loss trains with an objective that brings one, and not without', () =>
  onGpu(async (gpu) => {
    const load = (): Promise<Model> => trainable(gpu, 'bert_base');
    using model = await load();
    await expectRejection(
      () => new Trainer(model, { learningRate: 1 }),
      'MODEL_UNSUPPORTED',
      'no loss to train it on',
    );
    using pair = await trainable(gpu, 'marian');
    using trainer = new Trainer(pair, { learningRate: 1, objective: contrastive() });
    await expectRejection(
      trainer.steps([inputs]).next(),
      'MODEL_UNSUPPORTED',
      'models of one stack',
    );
    using own = new Trainer(model, { learningRate: 1, objective: contrastive({ columns: 4 }) });
    await expectRejection(own.steps([inputs]).next(), 'INPUT_INVALID', '4 texts each');
    await expectRejection(
      () => contrastive({ pooling: 'max' as 'mean' }),
      'OPTION_INVALID',
      'mean, cls, last',
    );
  }));

function trainable(gpu: Gpu, name: string): Promise<Model> {
  return loadModel(fixtureSource(name), { gpu, training: true });
}

test('texts become a batch: anchors, what belongs to them, and negatives', async () => {
  const tokenizer = await loadTokenizer(fixtureSource('tokenizers/wordpiece'));
  const examples = [
    { anchor: 'one', positive: 'two words', negatives: ['three'] },
    { anchor: 'four', positive: 'five', negatives: ['and six more'] },
  ];
  const batch = contrastiveBatch(tokenizer, examples);
  const texts = ['one', 'four', 'two words', 'five', 'three', 'and six more'];
  const ids = texts.map((text) => tokenizer.encode(text));
  expect(batch.inputIds!.map((row, i) => row.slice(0, ids[i]!.length))).toEqual(ids);
  expect(batch.attentionMask!.map((row) => row.filter((seen) => seen === 1).length)).toEqual(
    ids.map(({ length }) => length),
  );
  const cut = contrastiveBatch(tokenizer, examples, { maxLength: 3 });
  expect(cut.inputIds!.every(({ length }) => length === 3)).toBe(true);
  const refused = (list: unknown, part: string): Promise<void> =>
    expectRejection(
      () => contrastiveBatch(tokenizer, list as typeof examples),
      'INPUT_INVALID',
      part,
    );
  await refused(examples.slice(1), 'at least two');
  await refused([examples[0], { anchor: 'a', positive: 'b' }], 'Example 1');
  await refused([examples[0], { anchor: 'a', positive: 3, negatives: ['c'] }], 'positive');
});
