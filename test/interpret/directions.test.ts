// Autoencoders, steering vectors, probes and the scores of heads.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import {
  inductionScores,
  loadAutoencoder,
  previousTokenScores,
  steeringVector,
  trainProbe,
} from 'webgpu-transformer/interpret';
import { safetensors } from '../../src/source/safetensors-writer.ts';
import { expectClose } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, jsonFiles, memorySource } from '../support/source.ts';
import { expectedTensor } from './expected.ts';

const onGpu = sharedGpu({});

test.each(['standard', 'jumprelu', 'topk', 'sparsify'])('an autoencoder: %s', async (kind) => {
  const autoencoder = await loadAutoencoder(fixtureSource(`interpret/${kind}`));
  expect([autoencoder.size, autoencoder.features]).toEqual([16, 10]);
  expect(autoencoder.at).toBe(kind === 'sparsify' ? 'layers.1' : 'blocks.1.hook_resid_pre');
  const states = expectedTensor('sae/x');
  const wanted = expectedTensor(`sae/${kind}/acts`);
  const activations = autoencoder.encode(states);
  expectClose(activations, wanted, 'activations');
  expectClose(autoencoder.decode(activations), expectedTensor(`sae/${kind}/decoded`), 'decoded');
  autoencoder.topFeatures(states, 2).forEach((features, row) => {
    const own = [...wanted.data.subarray(row * 10, (row + 1) * 10)];
    const best = [...own.entries()].filter(([, value]) => value > 0);
    const first = best.toSorted(([, a], [, b]) => b - a).slice(0, 2);
    expect(features.map(({ feature }) => feature)).toEqual(first.map(([feature]) => feature));
  });
  // One feature alone is decoded to its direction and the bias.
  const one = { data: Float32Array.from({ length: 10 }, (_, i) => (i === 4 ? 1 : 0)), shape: [10] };
  const none = { data: new Float32Array(10), shape: [10] };
  const bias = autoencoder.decode(none).data;
  const direction = autoencoder.decode(one).data.map((value, i) => value - bias[i]!);
  autoencoder.direction(4).forEach((value, i) => expect(value).toBeCloseTo(direction[i]!, 5));
});

test('files of autoencoders that are something else are refused', async () => {
  const files = await fixtureFiles('interpret/topk', ['sae_weights.safetensors']);
  const load = (config: object) =>
    loadAutoencoder(memorySource({ ...files, ...jsonFiles({ 'cfg.json': config }) }));
  const refused: readonly (readonly [
    object,
    'MODEL_UNSUPPORTED' | 'CONFIG_INVALID' | 'TENSOR_MISSING',
    string,
  ])[] = [
    [{ architecture: 'gated' }, 'MODEL_UNSUPPORTED', '"gated"'],
    [{ architecture: 'jumprelu' }, 'TENSOR_MISSING', '"threshold"'],
    [{ architecture: 'topk' }, 'CONFIG_INVALID', '"k"'],
    [{ architecture: 'topk', k: 11 }, 'CONFIG_INVALID', '1 to 10'],
    [{ normalize_activations: 'layer_norm' }, 'MODEL_UNSUPPORTED', '"layer_norm"'],
  ];
  for (const [config, code, message] of refused) await expectRejection(load(config), code, message);
  const autoencoder = await load({});
  const wide = { data: new Float32Array(7), shape: [1, 7] };
  await expectRejection(() => autoencoder.encode(wide), 'INPUT_INVALID', 'last axis is 16');
  await expectRejection(() => autoencoder.direction(10), 'OPTION_INVALID', '0 to 9');
});

test('a steering vector leads from texts of one kind to those of the other', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const at = 'layers.1.output';
    const positive = [{ inputIds: [[5, 6, 7]] }, { inputIds: [[8, 9, 10, 11]] }];
    const negative = [{ inputIds: [[30, 31]] }];
    const last = async (inputs: { inputIds: number[][] }) => {
      const { captured } = await model.forward(inputs, { capture: [at] });
      const { data, shape } = captured![at]!;
      return data.subarray((shape[1]! - 1) * shape[2]!);
    };
    const states = [await last(positive[0]!), await last(positive[1]!), await last(negative[0]!)];
    const vector = await steeringVector(model, { at, positive, negative });
    vector.forEach((value, i) => {
      expect(value).toBeCloseTo((states[0]![i]! + states[1]![i]!) / 2 - states[2]![i]!, 5);
    });
    const all = await steeringVector(model, { at, positive, negative, over: 'all' });
    expect(all).not.toEqual(vector);
    const refused = [
      [{ at: 'layers.*.output', positive, negative }, 'one point'],
      [{ at, positive, negative: positive }, 'alike'],
      [{ at, positive: [], negative }, 'at least one'],
    ] as const;
    for (const [options, message] of refused) {
      const code = message === 'alike' ? 'INPUT_INVALID' : 'OPTION_INVALID';
      await expectRejection(steeringVector(model, options), code, message);
    }
  }));

test('a probe tells what a straight line can tell, and no more', () => {
  const random = new Random(4);
  const direction = Float64Array.from({ length: 8 }, () => random.normal());
  const draw = (count: number) => {
    const data = Float32Array.from(
      { length: count * 8 },
      (_, i) => random.normal() * (1 + (i % 8)) + 5,
    );
    const labels = Array.from({ length: count }, (_, row) => {
      const sum = direction.reduce((total, value, i) => {
        return total + value * ((data[row * 8 + i]! - 5) / (1 + i));
      }, 0);
      return sum < -0.8 ? 0 : sum < 0.8 ? 1 : 2;
    });
    return { states: { data, shape: [count, 8] }, labels };
  };
  const seen = draw(400);
  const unseen = draw(400);
  const probe = trainProbe(seen.states, seen.labels, { penalty: 1e-3 });
  expect(probe.weight.shape).toEqual([3, 8]);
  expect(probe.accuracy(unseen.states, unseen.labels)).toBeGreaterThan(0.93);
  const shuffled = unseen.labels.map(() => random.integer(0, 2));
  const idle = trainProbe(unseen.states, shuffled);
  expect(idle.accuracy(seen.states, seen.labels)).toBeLessThan(0.5);
  // At its end the gradient of the penalized loss is nothing: classes weigh up to nothing in each column.
  for (let i = 0; i < 8; i++) {
    const sum = [0, 1, 2].reduce((total, c) => total + probe.weight.data[c * 8 + i]!, 0);
    expect(Math.abs(sum)).toBeLessThan(1e-5);
  }
  expect(() =>
    trainProbe(
      seen.states,
      seen.labels.map(() => 1),
    ),
  ).toThrow('1 of 2 classes');
  expect(() => trainProbe(seen.states, [0])).toThrow('wanted 400');
  expect(() => probe.predict({ data: new Float32Array(7), shape: [1, 7] })).toThrow('wanted 8');
});

/** A GPT-2 of one layer whose head looks `back` tokens back, whatever stands there, as far as there are some. */
function lookingBack(back: number) {
  const size = 32;
  const shift = Array.from({ length: size }, (_, i) => Math.max(i - back, 0));
  const zeros = (...shape: number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const ones = { shape: [size], data: new Float32Array(size).fill(1) };
  const positions = zeros(size, size);
  const attention = zeros(size, 3 * size);
  for (let i = 0; i < size; i++) {
    positions.data[i * size + i] = 10;
    // Queries of position i are keys of position i - back.
    attention.data[i * 3 * size + shift[i]!] = 3;
    attention.data[i * 3 * size + size + i] = 3;
  }
  const tensors = {
    'transformer.wte.weight': zeros(20, size),
    'transformer.wpe.weight': positions,
    'transformer.h.0.ln_1.weight': ones,
    'transformer.h.0.ln_1.bias': zeros(size),
    'transformer.h.0.attn.c_attn.weight': attention,
    'transformer.h.0.attn.c_attn.bias': zeros(3 * size),
    'transformer.h.0.attn.c_proj.weight': zeros(size, size),
    'transformer.h.0.attn.c_proj.bias': zeros(size),
    'transformer.h.0.ln_2.weight': ones,
    'transformer.h.0.ln_2.bias': zeros(size),
    'transformer.h.0.mlp.c_fc.weight': zeros(size, 4),
    'transformer.h.0.mlp.c_fc.bias': zeros(4),
    'transformer.h.0.mlp.c_proj.weight': zeros(4, size),
    'transformer.h.0.mlp.c_proj.bias': zeros(size),
    'transformer.ln_f.weight': ones,
    'transformer.ln_f.bias': zeros(size),
  };
  const config = {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_embd: size,
    n_layer: 1,
    n_head: 1,
    n_inner: 4,
    n_positions: size,
    vocab_size: 20,
  };
  return { tensors, config };
}

test('heads that look to the token before, or behind what was there, are found', () =>
  onGpu(async (gpu) => {
    const load = (back: number) => {
      const { tensors, config } = lookingBack(back);
      const file = safetensors(new Map(Object.entries(tensors)));
      const files = { 'model.safetensors': file, ...jsonFiles({ 'config.json': config }) };
      return loadModel(memorySource(files), { gpu });
    };
    const length = 12;
    using before = await load(1);
    expect((await previousTokenScores(before, { length }))[0]![0]).toBeGreaterThan(0.99);
    expect((await inductionScores(before, { length }))[0]![0]).toBeLessThan(0.01);
    using behind = await load(length - 1);
    expect((await inductionScores(behind, { length, texts: 2 }))[0]![0]).toBeGreaterThan(0.99);
    expect((await previousTokenScores(behind, { length }))[0]![0]).toBeLessThan(0.2);
    using bert = await loadModel(fixtureSource('marian'), { gpu });
    await expectRejection(
      inductionScores(bert, { length }),
      'MODEL_UNSUPPORTED',
      'language models',
    );
  }));
