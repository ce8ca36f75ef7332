// Dropout in encoders and decoders: where it stands, at which rates, and that it leaves no trace
// where it is not wanted. Every dispatch, forwards and backwards, is held to its float64 reference.
import { expect, test } from 'vitest';
import type {
  CrossAttentionWeights,
  SelfAttentionWeights,
} from '../../../src/model/layers/attention.ts';
import type { FeedForwardWeights } from '../../../src/model/layers/feed-forward.ts';
import type { Linear } from '../../../src/model/weights/linear-weights.ts';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Dispatch } from '../../../src/runtime/record.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { sequenceStack } from '../../../src/model/layers/sequence-stack.ts';
import type { StackWeights } from '../../../src/model/layers/stack.ts';
import { recall, remember } from '../../../src/model/layers/cross-attention.ts';
import { type Dropout, postNorm, preNorm } from '../../../src/model/layers/block.ts';
import type { LayerNormWeights } from '../../../src/shaders/rows/norm.ts';

const gpus = await testGpus();
const [batches, sources, targets, heads, dModel, dFF] = [2, 7, 5, 2, 6, 11];
const blocks = { postNorm, preNorm };

/** An encoder of two layers and a decoder of one, of drawn weights. */
function transformer(
  bench: Bench,
  name: keyof typeof blocks,
  dropout: Dropout | undefined,
): { encoder: StackWeights; decoder: StackWeights; x: Tensor; y: Tensor } {
  const random = new Random(7);
  const draw = (label: string, ...shape: number[]): Tensor => {
    const size = shape.reduce((product, length) => product * length, 1);
    return bench.input(label, shape, random.values(size, { scale: 0.5, outliers: 0 }));
  };
  const linear = (rows: number, columns: number): Linear => ({
    weight: draw('weight', rows, columns),
    bias: draw('bias', rows),
    parts: [],
  });
  const norm = (): LayerNormWeights => ({
    weight: draw('norm', dModel),
    bias: draw('norm bias', dModel),
    eps: 1e-3,
  });
  const selfAttention = (): SelfAttentionWeights => ({
    heads,
    queryKeyValue: linear(3 * dModel, dModel),
    output: linear(dModel, dModel),
  });
  const crossAttention = (): CrossAttentionWeights => ({
    heads,
    query: linear(dModel, dModel),
    keyValue: linear(2 * dModel, dModel),
    output: linear(dModel, dModel),
  });
  const feedForward = (): FeedForwardWeights => ({
    kind: 'plain',
    inner: linear(dFF, dModel),
    outer: linear(dModel, dFF),
    activation: 'relu',
  });
  const layer = () => ({
    selfAttention: selfAttention(),
    selfAttentionNorm: norm(),
    feedForward: feedForward(),
    feedForwardNorm: norm(),
  });
  const shared = { block: blocks[name], ...(dropout && { dropout }) };
  const cross = { crossAttention: crossAttention(), crossAttentionNorm: norm() };
  return {
    encoder: { ...shared, layers: [layer(), layer()] },
    decoder: { ...shared, layers: [{ ...layer(), ...cross }] },
    x: draw('x', batches, sources, dModel),
    y: draw('y', batches, targets, dModel),
  };
}

/** Records a forward pass; returns its result and its inputs. */
function forward(
  bench: Bench,
  name: keyof typeof blocks,
  dropout?: Dropout,
): { output: Tensor; x: Tensor; y: Tensor } {
  const { x, y, ...weights } = transformer(bench, name, dropout);
  const maskOf = (length: number): Tensor =>
    bench.input('mask', [batches, length], new Uint32Array(batches * length).fill(1));
  const mask = maskOf(sources);
  const memory = sequenceStack(x, weights.encoder, { mask, causal: false });
  const output = sequenceStack(y, weights.decoder, {
    mask: maskOf(targets),
    cross: recall(remember(memory, mask, weights.decoder), dropout?.attention),
    causal: true,
  });
  return { output, x, y };
}

/** The rate of each dispatch that drops, in order. */
function ratesOf(dispatches: readonly Dispatch[]): number[] {
  return dispatches
    .filter(({ params }) => (params['drop_below'] ?? 0) > 0)
    .map(({ params }) => Math.round((params['drop_below']! / 2 ** 32) * 1000) / 1000);
}

const rates: Dropout = { residual: 0.1, attention: 0.2, activation: 0.3 };
const layerRates = [rates.attention, rates.residual, rates.activation, rates.residual];
const crossRates = [rates.attention, rates.residual];

for (const { name, options } of gpus) {
  for (const connection of ['postNorm', 'preNorm'] as const) {
    test(`dropout at its places, there and back, ${connection}, ${name}`, () =>
      withGpu(options, async (gpu) => {
        let there = 0;
        const { kernels } = await expectOperation(
          gpu,
          (bench) => {
            const { output, x, y } = forward(bench, connection, rates);
            there = bench.recording.dispatches.length;
            const size = batches * targets * dModel;
            const dy = bench.input('dy', output.shape, new Random(8).values(size));
            const seeds = new Map([[output, dy]]);
            return [...gradients(bench.recording, seeds, [x, y], gradientRules).values()];
          },
          { training: true, random: [3, 4] },
        );
        const forwards = kernels.slice(0, there);
        const encoders = [...layerRates, ...layerRates];
        const decoders = [...layerRates.slice(0, 2), ...crossRates, ...layerRates.slice(2)];
        expect(ratesOf(forwards)).toEqual([...encoders, ...decoders]);
        const sitesOf = (dispatches: readonly Dispatch[]): (number | undefined)[] =>
          dispatches
            .filter(({ params }) => (params['drop_below'] ?? 0) > 0)
            .map(({ params }) => params['site']);
        // Each site once on the way there; on the way back the same ones, in both halves of attention.
        const sites = sitesOf(forwards);
        expect(sites).toEqual(Array.from(sites, (_, i) => i));
        const back = sitesOf(kernels.slice(there));
        expect(new Set(back)).toEqual(new Set(sites));
        expect(back).toHaveLength(sites.length + 4);
        // What is dropped is the sub-layer's output, before the residual joins it.
        const residuals = forwards.filter(({ kernel }) => kernel.name === 'dropout');
        const joined = residuals.filter(({ constants }) => constants['HAS_RESIDUAL'] === true);
        expect(joined).toHaveLength(connection === 'preNorm' ? 7 : 0);
      }));
  }
}

test('without rates, or without random numbers, the list is what it was', () =>
  withGpu({}, async (gpu) => {
    for (const connection of ['postNorm', 'preNorm'] as const) {
      const listOf = (random: boolean, dropout?: Dropout): string => {
        const bench = new Bench(gpu, random ? { random: [1, 2] } : {});
        forward(bench, connection, dropout);
        const list = bench.recording.describe();
        bench.dispose();
        return list;
      };
      const plain = listOf(false);
      expect(plain).not.toContain('dropout');
      expect(listOf(true)).toBe(plain);
      expect(listOf(false, rates)).toBe(plain);
      expect(listOf(true, { residual: 0, attention: 0, activation: 0 })).toBe(plain);
      expect(listOf(true, rates)).not.toBe(plain);
    }
    await Promise.resolve();
  }));
