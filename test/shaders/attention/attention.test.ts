// Fused attention and its weights, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import type { Values } from '../../reference/twin.ts';
import { attention, type Columns } from '../../../src/shaders/attention/attention.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random, type ValueOptions } from '../../support/random.ts';
import { tolerance } from '../../support/tolerance.ts';

const gpus = await testGpus();

interface Case {
  readonly batches?: number;
  readonly heads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly headSize: number;
  readonly causal?: boolean;
  /** 0 = padding, for (batches, keys); all 1 when absent. */
  readonly mask?: (batch: number, key: number) => boolean;
  /** Columns before, between and after q, k and v, which then share one tensor of wide rows. */
  readonly gaps?: readonly [number, number, number, number];
  readonly values?: ValueOptions;
  /** Rate of dropout; none when absent. */
  readonly dropout?: number;
}

const everyKey = (): boolean => true;

/** Checks attention and its weights on drawn values; returns both and the kernel that ran. */
async function expectAttention(
  gpu: Gpu,
  seed: number,
  options: Case,
): Promise<{ y: Values; weights: Values; kernel: string }> {
  const { batches = 1, heads = 2, queries, keys, headSize, causal = false } = options;
  const { mask = everyKey, values = { outliers: 0 }, dropout = 0 } = options;
  const random = new Random(seed);
  const width = heads * headSize;
  let largest = 0;
  const { outputs, kernels } = await expectOperation(
    gpu,
    (bench) => {
      const dense = (label: string, rows: number, columns: number) => {
        const data = random.values(batches * rows * columns, values);
        largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), largest);
        return bench.input(label, [batches, rows, columns], data);
      };
      let q: Columns;
      let k: Columns;
      let v: Columns;
      if (options.gaps === undefined) {
        q = { tensor: dense('q', queries, width), start: 0 };
        k = { tensor: dense('k', keys, width), start: 0 };
        v = { tensor: dense('v', keys, width), start: 0 };
      } else {
        const [a, b, c, d] = options.gaps;
        const tensor = dense('qkv', queries, 3 * width + a + b + c + d);
        q = { tensor, start: a };
        k = { tensor, start: a + width + b };
        v = { tensor, start: a + b + c + 2 * width };
      }
      const flags = Uint32Array.from({ length: batches * keys }, (_, i) =>
        mask(Math.floor(i / keys), i % keys) ? 1 : 0,
      );
      const keyMask = bench.input('mask', [batches, keys], flags);
      const result = attention({ q, k, v, keyMask, heads, headSize, causal, dropout });
      return [result.output, result.weights(), result.scores()];
    },
    { seed, random: [seed, 3] },
  );
  expect(kernels.map(({ kernel }) => kernel.operation)).toEqual([
    'attention',
    'attention-weights',
    'attention-weights',
  ]);
  const [y, weights] = outputs as [Values, Values];
  expect(kernels[0]!.constants['DROPOUT']).toBe(dropout > 0);
  expectRowsToSum(weights, options, Math.sqrt(headSize) * largest ** 2);
  return { y, weights, kernel: kernels[0]!.kernel.name };
}

/** Rows of weights add up to 1 (scores up to `score`); rows without a key to see are 0. */
function expectRowsToSum(weights: Values, options: Case, score: number): void {
  const { heads = 2, queries, keys, causal = false, mask = everyKey } = options;
  for (let row = 0; row < weights.length / keys; row++) {
    const [batch, query] = [Math.floor(row / queries / heads), row % queries];
    const row0 = Array.from(weights.subarray(row * keys, (row + 1) * keys));
    const isSeen = (key: number): boolean => mask(batch, key) && (!causal || key <= query);
    const seen = row0.some((_, key) => isSeen(key));
    const sum = row0.reduce((total, weight) => total + weight, 0);
    if (seen) expect(Math.abs(sum - 1)).toBeLessThan(tolerance('f32', keys, 1 + score));
    else expect(row0.every((weight) => Object.is(weight, 0))).toBe(true);
  }
}

for (const { name, options } of gpus) {
  const isGpu = options.tier === 'gpu';

  test(`head sizes and lengths past each tile edge, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const lengths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40];
      for (const [i, headSize] of [1, 3, 7, 8, 33, 64, 80].entries()) {
        const queries = lengths[(3 * i + 2) % lengths.length]!;
        const keys = lengths[(5 * i + 4) % lengths.length]!;
        await expectAttention(gpu, 100 + i, { queries, keys, headSize });
        await expectAttention(gpu, 120 + i, { queries: keys, keys: queries, headSize, heads: 1 });
        await expectAttention(gpu, 140 + i, { queries, keys: queries, headSize, causal: true });
      }
      for (const [i, queries] of (isGpu ? [1, 33] : lengths).entries()) {
        const keys = lengths[(i + 5) % lengths.length]!;
        await expectAttention(gpu, 160 + i, { queries, keys, headSize: 5 });
        await expectAttention(gpu, 180 + i, { queries, keys: queries, headSize: 5, causal: true });
      }
    }));

  test(`padding at the left, at the right, in holes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const size = { batches: 3, heads: 2, queries: 19, keys: 19, headSize: 6 };
      for (const causal of [false, true]) {
        const left = { ...size, causal, mask: (b: number, s: number) => s >= 7 * b };
        await expectAttention(gpu, 200, left);
        const right = { ...size, causal, mask: (b: number, s: number) => s < 19 - 8 * b };
        await expectAttention(gpu, 201, right);
        const holes = { ...size, causal, mask: (b: number, s: number) => (s + b) % 3 !== 1 };
        await expectAttention(gpu, 202, holes);
        // A whole block of keys is hidden before the first one that counts.
        const late = {
          ...size,
          keys: 37,
          queries: 37,
          causal,
          mask: (_: number, s: number) => s > 33,
        };
        await expectAttention(gpu, 203, late);
      }
    }));

  test(`a row without a key to see is exactly 0, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const hidden = {
        batches: 2,
        queries: 9,
        keys: 21,
        headSize: 5,
        mask: (b: number) => b === 1,
      };
      const { y, weights } = await expectAttention(gpu, 300, hidden);
      expect([...y.subarray(0, y.length / 2)].every((value) => Object.is(value, 0))).toBe(true);
      expect(y.subarray(y.length / 2).every((value) => value !== 0)).toBe(true);
      expect(weights.subarray(0, weights.length / 2).every((value) => value === 0)).toBe(true);
      // Causal, with padding at the left: the first queries see nothing.
      const left = {
        queries: 11,
        keys: 11,
        headSize: 3,
        causal: true,
        mask: (_: number, s: number) => s > 4,
      };
      const { y: rows } = await expectAttention(gpu, 301, left);
      expect(rows.subarray(0, 5 * 6).every((value) => value === 0)).toBe(true);
      expect(rows.subarray(5 * 6).every((value) => value !== 0)).toBe(true);
    }));

  test(`q, k and v as columns of wide rows, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, gaps] of (
        [
          [0, 0, 0, 0],
          [3, 1, 2, 5],
        ] as const
      ).entries()) {
        const size = { batches: 3, heads: 5, queries: 11, keys: 11, headSize: 7, gaps };
        await expectAttention(gpu, 400 + i, size);
        await expectAttention(gpu, 402 + i, { ...size, causal: true });
      }
      const fours = { queries: 35, keys: 35, headSize: 12, gaps: [4, 8, 4, 12] } as const;
      await expectAttention(gpu, 404, { ...fours, batches: 2, heads: 3, causal: true });
    }));

  test(`large scores stay finite, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const scale of [1.5, 8]) {
        const size = { batches: 2, queries: 17, keys: 35, headSize: 4 };
        const values = { scale, outliers: 5 };
        const { y } = await expectAttention(gpu, 500 + scale, { ...size, values });
        expect(y.every((value) => Number.isFinite(value))).toBe(true);
      }
      const random = new Random(510);
      const [batches, heads, queries, keys] = random.unlikePrimes(4, 7) as [
        number,
        number,
        number,
        number,
      ];
      const drawn = { batches, heads, queries, keys, headSize: 13 };
      await expectAttention(gpu, 510, { ...drawn, values: { mean: 3, outliers: 9 } });
    }));

  test(`dropout of the weights, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const lengths = [1, 2, 7, 8, 9, 17, 33, 40];
      for (const [i, queries] of lengths.entries()) {
        const keys = lengths[(3 * i + 2) % lengths.length]!;
        const size = { batches: 2, queries, keys, headSize: [1, 5, 33, 40][i % 4]! };
        const dropout = [0.1, 0.5, 0.9][i % 3]!;
        await expectAttention(gpu, 550 + i, { ...size, dropout });
        const masked = { mask: (b: number, s: number) => (s + b) % 3 !== 1, causal: i % 2 === 0 };
        await expectAttention(gpu, 560 + i, { ...size, keys: queries, dropout, ...masked });
      }
    }));

  test(`the kernel meant for the device runs, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const reached = [];
      for (const headSize of [4, 5]) {
        reached.push((await expectAttention(gpu, 600, { queries: 2, keys: 3, headSize })).kernel);
      }
      const onCpu = gpu.hasQuadSubgroups
        ? ['attention-subgroup', 'attention-subgroup']
        : ['attention-register-fours', 'attention-register'];
      expect(reached).toEqual(isGpu ? ['attention-tile-fours', 'attention-tile'] : onCpu);
    }));
}
