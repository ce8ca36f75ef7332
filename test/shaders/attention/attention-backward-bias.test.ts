// The gradient of a bias by distance, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import type { Values } from '../../reference/twin.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

interface Case {
  readonly batches?: number;
  readonly heads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly headSize?: number;
  readonly reach: number;
  readonly causal?: boolean;
  readonly dropout?: number;
  /** Every third key is padding. */
  readonly padded?: boolean;
}

/** Checks all kernels on drawn values; returns the gradient of the bias. */
async function expectBiasGradient(gpu: Gpu, seed: number, options: Case): Promise<Values> {
  const { batches = 2, heads = 3, queries, keys, headSize = 5, reach } = options;
  const { causal = false, dropout = 0, padded = false } = options;
  const random = new Random(seed);
  const width = heads * headSize;
  const { outputs, kernels } = await expectOperation(
    gpu,
    (bench) => {
      const input = (label: string, ...shape: number[]): Tensor => {
        const size = shape.reduce((product, n) => product * n, 1);
        return bench.input(label, shape, random.values(size, { outliers: 0 }));
      };
      const kv = input('kv', batches, keys, 2 * width);
      const flags = Uint32Array.from({ length: batches * keys }, (_, i) =>
        Number(!padded || i % 3 !== 1),
      );
      const bias = input('bias', 2 * reach + 1, heads);
      const { output } = attention({
        q: { tensor: input('q', batches, queries, width), start: 0 },
        k: { tensor: kv, start: 0 },
        v: { tensor: kv, start: width },
        keyMask: bench.input('mask', [batches, keys], flags),
        heads,
        headSize,
        causal,
        dropout,
        bias,
      });
      const seeds = new Map([[output, input('dy', batches, queries, width)]]);
      return [...gradients(bench.recording, seeds, [bias, kv], gradientRules).values()];
    },
    { seed, training: true, random: [seed, 3] },
  );
  const operations = new Set(kernels.map(({ kernel }) => kernel.operation));
  const backward = ['delta', 'query', 'key', 'bias', 'distance'];
  expect(operations).toEqual(
    new Set(['attention', ...backward.map((part) => `attention-backward-${part}`)]),
  );
  const form =
    gpu.tier === 'gpu' ? 'attention-backward-bias-tile' : 'attention-backward-bias-register';
  expect(kernels.map(({ kernel }) => kernel.name)).toContain(form);
  return outputs[0]!;
}

for (const { name, options } of gpus) {
  test(`lengths and reaches, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const lengths = [1, 3, 4, 5, 9, 32, 33, 67];
      for (const [i, queries] of lengths.entries()) {
        const keys = lengths[(5 * i + 3) % lengths.length]!;
        const reach = [1, 2, 7, 40, 100][i % 5]!;
        await expectBiasGradient(gpu, 600 + i, { queries, keys, reach, padded: i % 2 === 0 });
        await expectBiasGradient(gpu, 620 + i, { queries, keys: queries, reach, causal: true });
      }
      const size = { queries: 37, keys: 34, reach: 5 };
      await expectBiasGradient(gpu, 650, { ...size, dropout: 0.3, padded: true });
      // Heads of several pieces, and more diagonals than a workgroup of any form takes.
      await expectBiasGradient(gpu, 660, { queries: 35, keys: 70, headSize: 71, reach: 33 });
    }));

  test(`distances that no pair has get no gradient, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const size = { batches: 1, heads: 2, queries: 6, keys: 4, reach: 7 };
      const dbias = await expectBiasGradient(gpu, 670, size);
      // From key 0 of query 5 to key 3 of query 0.
      dbias.forEach((value, i) => {
        const distance = Math.floor(i / 2) - 7;
        expect(value !== 0, `${distance}`).toBe(distance >= -5 && distance <= 3);
      });
    }));
}
