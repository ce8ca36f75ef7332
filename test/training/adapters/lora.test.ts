// Low-rank adapters: their gradients against those of the whole weights, what they leave alone, how
// they are merged, and an adapter that PEFT made.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type Model, type ModelInputs } from 'webgpu-transformer';
import { loadLora, Lora, sgd, Trainer } from 'webgpu-transformer/training';
import { readParameters } from '../../../src/model/weights/read-parameters.ts';
import type { StoredValues } from '../../../src/source/safetensors-writer.ts';
import { readBack } from '../../../src/runtime/read-back.ts';
import { expectClose, expectTensor, readCase, type Rows } from '../../support/expected.ts';
import { readFixture } from '../../support/fixture.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { bitsOf, fill, matrices, product, transposed } from '../../support/lora.ts';
import {
  type Checkpoint,
  checkpointOf,
  randomMarian,
  type Stored,
} from '../../support/marian-checkpoint.ts';
import { Random } from '../../support/random.ts';
import { fixtureSource, memorySource, readValues } from '../../support/source.ts';
import { tolerance } from '../../support/tolerance.ts';
import { MemoryTarget, snapshot } from '../../support/training.ts';
import { decode } from '../../support/values.ts';

const gpus = await testGpus();
const marian = await readCase('marian');
const peft = {
  ...marian,
  values: readValues(await readFixture('marian_lora/expected.safetensors')),
};

/** Rows of 30 are padded in 16-bit formats; queries, keys and values share a tensor. */
const shape = {
  decoder_layers: 1,
  d_model: 30,
  encoder_attention_heads: 3,
  decoder_attention_heads: 3,
};
const targets = ['*.q_proj', '*.v_proj', '*.encoder_attn.out_proj', '*.fc1'];
const [rank, alpha] = [3, 5];
const scale = alpha / rank;

function batch(seed: number): ModelInputs {
  const random = new Random(seed);
  const rows = (): number[][] => [5, 5].map((length) => [...random.indices(length, 53)]);
  return { inputIds: rows(), labels: rows() };
}

/** The gradients of one batch, by the checkpoint's names. */
async function gradientsOf(
  trainer: Trainer,
  inputs: ModelInputs,
): Promise<Map<string, Float32Array>> {
  for await (const { skipped } of trainer.steps([inputs])) expect(skipped).toBe(false);
  const found = new Map<string, Float32Array>();
  for (const { name, tensor, first, size } of trainer.state.parameters.slices) {
    const [bytes] = await readBack(trainer.gpu, [trainer.state.gradients.get(tensor)!]);
    found.set(name, new Float32Array(bytes!).subarray(first, first + size));
  }
  return found;
}

/** The same checkpoint with W + (α / r)·B·A for each adapted W, in float32. */
function mergedCheckpoint(
  { config, weights }: Checkpoint,
  lora: Lora,
  values: ReadonlyMap<string, StoredValues>,
): Checkpoint {
  const merged = new Map(weights);
  for (const layer of lora.targets) {
    const { a, b } = matrices(values, layer);
    const { shape: sizes, data } = weights.get(`${layer}.weight`)!;
    const delta = product(b, a, rank);
    const sum = data.map((value, i) => value + scale * delta[i]!);
    merged.set(`${layer}.weight`, { shape: sizes, data: sum });
  }
  return checkpointOf(config, merged, 'F32');
}

/** Inputs of a call of the Marian case. */
function call(name: string): ModelInputs {
  const given = marian.inputs[name] as Record<string, Rows>;
  return {
    inputIds: given['input_ids']!,
    attentionMask: given['attention_mask']!,
    ...(given['decoder_input_ids'] && { decoderInputIds: given['decoder_input_ids'] }),
    ...(given['decoder_attention_mask'] && {
      decoderAttentionMask: given['decoder_attention_mask'],
    }),
    ...(given['labels'] && { labels: given['labels'] }),
  };
}

for (const { name, options } of gpus) {
  test(`dA = s·Bᵀ·dW and dB = s·dW·Aᵀ, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const checkpoint = randomMarian(31, shape, 'F16');
      using frozen = await loadModel(memorySource(checkpoint.files), { gpu });
      using lora = new Lora(frozen, { rank, alpha, targets });
      const values = await fill(gpu, lora, 32);
      const settings = { optimizer: sgd(), learningRate: 1e-3, dropout: false };
      using adapting = new Trainer(frozen, { ...settings, adapter: lora });
      const got = await gradientsOf(adapting, batch(33));
      expect(got.size).toBe(2 * lora.targets.length);

      const source = memorySource(mergedCheckpoint(checkpoint, lora, values).files);
      using whole = await loadModel(source, { gpu, training: true });
      using training = new Trainer(whole, settings);
      const all = await gradientsOf(training, batch(33));
      for (const layer of lora.targets) {
        const dw = all.get(`${layer}.weight`)!;
        const [out, input] = checkpoint.weights.get(`${layer}.weight`)!.shape as [number, number];
        const { a, b } = matrices(values, layer);
        const wanted = {
          A: product(transposed(b, rank), dw, out),
          B: product(dw, transposed(a, input), input),
        };
        for (const matrix of ['A', 'B'] as const) {
          const key = `base_model.model.${layer}.lora_${matrix}.weight`;
          const data = Float32Array.from(wanted[matrix], (value) => scale * value);
          expectClose(
            { data: got.get(key)!, shape: [data.length] },
            { data, shape: [data.length] },
            key,
          );
        }
      }
    }));

  for (const stored of ['F32', 'F16', 'BF16'] as const satisfies Stored[]) {
    test(`training leaves ${stored} weights alone; merging adds to their rows, ${name}`, () =>
      withGpu(options, async (gpu) => {
        const checkpoint = randomMarian(41, shape, stored);
        using model = await loadModel(memorySource(checkpoint.files), { gpu });
        using lora = new Lora(model, { rank, alpha, targets });
        using trainer = new Trainer(model, { learningRate: 0.02, adapter: lora });
        const before = await bitsOf(gpu, model);
        const { logits } = await model.forward(batch(42));
        const losses: number[] = [];
        for await (const { loss } of trainer.steps(() => batch(42), { maxSteps: 8 }))
          losses.push(loss);
        expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
        expect(await bitsOf(gpu, model)).toEqual(before);
        expect((await model.forward(batch(42))).logits).toEqual(logits);

        const values = await readParameters(gpu, lora.parameters);
        const { loss: adapted } = await trainer.evaluate([batch(42)]);
        await lora.merge();
        expect(lora.isMerged).toBe(true);
        await expectMerged(gpu, model, lora, checkpoint, values);
        if (stored === 'F32') {
          const [loss] = (await model.forward(batch(42))).loss!.data;
          expect(Math.abs(loss! - adapted)).toBeLessThan(2e-5 * adapted);
        }
        await lora.unmerge();
        expect(lora.isMerged).toBe(false);
        expect(await bitsOf(gpu, model)).toEqual(before);
        expect((await model.forward(batch(42))).logits).toEqual(logits);
      }));
  }

  test(`an adapter by PEFT, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource('marian'), { gpu });
      using lora = await loadLora(model, fixtureSource('marian_lora'));
      expect([lora.rank, lora.alpha, lora.targets.length]).toEqual([4, 6, 16]);
      using trainer = new Trainer(model, { learningRate: 1, adapter: lora });
      const { loss } = await trainer.evaluate([call('labels')]);
      const wanted = peft.values.get('labels/loss')!.data[0]!;
      expect(Math.abs(loss - wanted)).toBeLessThan(2e-5 * wanted);
      const masks = marian.inputs['main'] as Record<string, unknown>;
      const expectLogits = async (of: typeof marian): Promise<void> => {
        expectTensor((await model.forward(call('main'))).logits, 'main/logits', of, masks);
      };
      await expectLogits(marian);
      await lora.merge();
      await expectLogits(peft);
      await lora.unmerge();
      await expectLogits(marian);
    }));
}

/** Expects the adapted rows to hold W + (α / r)·B·A, rounded once more where they are stored in 16 bits. */
async function expectMerged(
  gpu: Gpu,
  model: Model,
  lora: Lora,
  { weights }: Checkpoint,
  values: ReadonlyMap<string, StoredValues>,
): Promise<void> {
  const { slices } = model.trainable();
  for (const { name, tensor, first, size } of slices) {
    if (tensor.shape.length < 2) continue;
    const [bytes] = await readBack(gpu, [tensor]);
    const columns = tensor.size(-1);
    const stored = decode(bytes!, tensor.dtype);
    const { data } = weights.get(name)!;
    const layer = name.slice(0, -'.weight'.length);
    const isTarget = lora.targets.includes(layer);
    const { a, b } = isTarget ? matrices(values, layer) : { a: [0], b: [0] };
    const delta = isTarget ? product(b, a, rank) : new Float64Array(size);
    const terms = isTarget
      ? product(Float64Array.from(b, Math.abs), Float64Array.from(a, Math.abs), rank)
      : delta;
    for (let i = 0; i < size; i++) {
      const got = stored[(((first + i) / columns) | 0) * tensor.pitch + ((first + i) % columns)]!;
      const wanted = data[i]! + scale * delta[i]!;
      // Half a unit of f16 below its normal numbers is 2⁻²⁵.
      const rounding =
        tensor.dtype === 'f32' ? 0 : tolerance(tensor.dtype, 0, Math.abs(wanted)) / 8 + 2 ** -25;
      const allowed = isTarget
        ? tolerance('f32', rank, Math.abs(data[i]!) + scale * terms[i]!) + rounding
        : 0;
      if (Math.abs(got - wanted) > allowed)
        throw new Error(`${name}[${i}] is ${got}, wanted ${wanted}`);
    }
  }
}

test('a new adapter changes nothing, and is drawn from its seed', () =>
  withGpu({}, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const before = await bitsOf(gpu, model);
    using lora = new Lora(model, { rank: 5, targets: '*.fc2', seed: 3 });
    using again = new Lora(model, { rank: 5, targets: /fc2$/, seed: 3 });
    using other = new Lora(model, { rank: 5, targets: ['*.fc2'], seed: 4 });
    expect([lora.alpha, lora.targets.length]).toEqual([5, 4]);
    const values = await readParameters(gpu, lora.parameters);
    expect(await readParameters(gpu, again.parameters)).toEqual(values);
    expect(await readParameters(gpu, other.parameters)).not.toEqual(values);
    const bound = 1 / Math.sqrt(48);
    const largest = (matrix: string): number[] =>
      [...values]
        .filter(([name]) => name.includes(matrix))
        .map(([, { data }]) => Math.max(...data.map(Math.abs)));
    expect(largest('lora_B')).toEqual([0, 0, 0, 0]);
    for (const value of largest('lora_A')) {
      expect(value).toBeGreaterThan(0.9 * bound);
      expect(value).toBeLessThanOrEqual(Math.fround(bound));
    }
    await lora.merge();
    expect(await bitsOf(gpu, model)).toEqual(before);
  }));

test('saved and loaded again, it computes the same; disposed while merged, it stays', () =>
  withGpu({}, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const target = new MemoryTarget();
    using lora = await loadLora(model, fixtureSource('marian_lora'));
    await lora.save(target);
    const saved = readValues(target.files['adapter_model.safetensors']!);
    expect(saved).toEqual(readValues(await readFixture('marian_lora/adapter_model.safetensors')));
    await lora.merge();
    const { logits } = await model.forward(call('main'));
    await lora.unmerge();
    const loaded = await loadLora(model, target.source);
    await loaded.merge();
    loaded.dispose();
    expect((await model.forward(call('main'))).logits).toEqual(logits);
  }));

test('a run with an adapter is saved and taken up again bit for bit', () =>
  withGpu({}, async (gpu) => {
    const checkpoint = randomMarian(51, shape, 'F16');
    using model = await loadModel(memorySource(checkpoint.files), { gpu });
    const run = async (work: (trainer: Trainer) => Promise<void>): Promise<void> => {
      using lora = new Lora(model, { rank: 2 });
      using trainer = new Trainer(model, { learningRate: 0.01, adapter: lora });
      await work(trainer);
    };
    const to = async (trainer: Trainer, maxSteps: number): Promise<void> => {
      for await (const { skipped } of trainer.steps((i) => batch(i), { maxSteps })) {
        expect(skipped).toBe(false);
      }
    };
    const target = new MemoryTarget();
    let wanted: unknown;
    await run(async (trainer) => {
      await to(trainer, 2);
      await trainer.save(target);
      await to(trainer, 4);
      wanted = await snapshot(trainer);
    });
    expect(Object.keys(target.files).toSorted()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'training_state.safetensors',
    ]);
    await run(async (trainer) => {
      await trainer.restore(target.source);
      await to(trainer, 4);
      expect(await snapshot(trainer)).toEqual(wanted);
    });
  }));
