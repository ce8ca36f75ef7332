// Inputs that are made harder on purpose: gradients of what is trained on them, and a classifier that learns to stand up
// to them.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import {
  type AttackOptions,
  adam,
  initialCheckpoint,
  Lora,
  robustness,
  sgd,
  Trainer,
  type TrainerOptions,
} from 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const onGpu = sharedGpu();
const inputs = callInputs(await readCase('bert_seqcls'), 'main');

/** The loss of one step that moves nothing. */
async function lossOf(model: Model, options: Partial<TrainerOptions> = {}): Promise<number> {
  using trainer = new Trainer(model, { learningRate: 1e-30, optimizer: sgd(), ...options });
  for await (const { loss } of trainer.steps([inputs])) return loss;
  return NaN;
}

test('perturbations of a small length raise the loss by length times slope, longer ones by more', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu, training: true });
    const plain = await lossOf(model);
    const pgd = (epsilon: number, steps = 1): Promise<number> =>
      lossOf(model, { adversarial: { method: 'pgd', epsilon, steps, stepSize: epsilon } });
    const rise = (await pgd(0.02)) - plain;
    expect(rise).toBeGreaterThan(0);
    expect(Math.abs((await pgd(0.01)) - plain - rise / 2)).toBeLessThan(0.1 * rise);
    // One step of the whole length is what fgm takes, beside the loss of the inputs as they are.
    const fgm = await lossOf(model, { adversarial: { method: 'fgm', epsilon: 0.02 } });
    expect(Math.abs(fgm - plain - (plain + rise))).toBeLessThan(1e-5);
    // Several steps find at least as much within the same length, and no more than a longer one allows.
    const several = await lossOf(model, {
      adversarial: { method: 'pgd', epsilon: 2, steps: 6 },
    });
    expect(several).toBeGreaterThan((await pgd(2)) - 1e-4);
    expect(several).toBeLessThan(
      await lossOf(model, { adversarial: { method: 'pgd', epsilon: 6, steps: 6 } }),
    );
  }));

/** A task of two words, of which the texts have mostly one or mostly the other. */
function task(seed: number): ModelInputs {
  const random = new Random(seed);
  const labels = Array.from({ length: 24 }, (_, i) => i % 2);
  const inputIds = labels.map((label) =>
    Array.from({ length: 6 }, (_, t) => {
      const own = 2 + label;
      return t < 4 ? own : 2 + random.integer(0, 7);
    }),
  );
  return { inputIds, labels };
}

async function trained(gpu: Gpu, adversarial?: AttackOptions): Promise<Model> {
  const config = {
    model_type: 'bert',
    architectures: ['BertForSequenceClassification'],
    vocab_size: 12,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 32,
    max_position_embeddings: 8,
    num_labels: 2,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  };
  const model = await loadModel(initialCheckpoint(config, { seed: 3 }), { gpu, training: true });
  using trainer = new Trainer(model, {
    learningRate: 5e-3,
    optimizer: adam(),
    ...(adversarial && { adversarial }),
  });
  for await (const { skipped } of trainer.steps((index) => task(index), { maxSteps: 60 })) {
    expect(skipped).toBe(false);
  }
  return model;
}

test.each(['fgm', 'pgd'] as const)('training with %s raises the accuracy under attack', (method) =>
  onGpu(async (gpu) => {
    const attack = { method: 'pgd', epsilon: 3, steps: 4 } as const;
    using plain = await trained(gpu);
    using hardened = await trained(gpu, { method, epsilon: 2 });
    const data = [task(1001), task(1002)];
    const before = await robustness(plain, data, attack);
    const after = await robustness(hardened, data, attack);
    expect(before.labels).toBe(48);
    expect(before.accuracy).toBeGreaterThan(0.9);
    expect(after.accuracy).toBeGreaterThan(0.9);
    expect(before.attacked).toBeLessThan(before.accuracy);
    expect(after.attacked).toBeGreaterThan(before.attacked + 0.2);
  }),
);

test('adapters train on harder inputs, tokens are attacked too, and what cannot be is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu, dtype: 'int8' });
    using adapter = new Lora(model, { rank: 2, targets: ['*.query', '*.value'] });
    const adversarial = { method: 'fgm', epsilon: 0.5 } as const;
    using trainer = new Trainer(model, { learningRate: 0.02, adapter, adversarial });
    const found: number[] = [];
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 8 })) found.push(loss);
    expect(found.at(-1)!).toBeLessThan(found[0]!);

    using tagger = await loadModel(fixtureSource('bert_tokcls'), { gpu });
    const tokens = callInputs(await readCase('bert_tokcls'), 'main');
    const { data, shape } = (await tagger.forward(tokens)).logits!;
    const [, , classes = 1] = shape;
    const own = (tokens.labels as number[][]).map((row, b) =>
      row.map((label, t) => {
        const at = (b * row.length + t) * classes;
        const logits = data.subarray(at, at + classes);
        return label === -100 ? label : logits.indexOf(Math.max(...logits));
      }),
    );
    const told = await robustness(tagger, [{ ...tokens, labels: own }], {
      method: 'fgm',
      epsilon: 20,
    });
    expect(told.labels).toBe(own.flat().filter((label) => label !== -100).length);
    expect(told.accuracy).toBe(1);
    expect(told.attacked).toBeLessThan(1);

    const refused = (options: object, ...parts: string[]): Promise<void> =>
      expectRejection(
        () => new Trainer(model, { learningRate: 1, adapter, ...options }),
        'OPTION_INVALID',
        ...parts,
      );
    await refused({ adversarial: { method: 'fgsm', epsilon: 1 } }, 'fgm');
    await refused({ adversarial: { method: 'fgm', epsilon: 0 } }, 'epsilon');
    await refused({ adversarial: { method: 'fgm', epsilon: 1, steps: 2 } }, 'one step');
    await refused({ adversarial, checkpointLayers: true }, 'do not go together');
    await expectRejection(robustness(model, [], adversarial), 'INPUT_INVALID', 'no batch');
  }));
