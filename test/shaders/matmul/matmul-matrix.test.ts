// The matrix product on matrix units, where the adapter has some, against float64 and within the same
// tolerance as all others. Where it has none, weights of f16 take the tiles.
import { expect, test } from 'vitest';
import { matrixFeature } from '../../../src/runtime/matrices.ts';
import { elements } from '../../../src/runtime/tensor.ts';
import { type Activation, matmul } from '../../../src/shaders/matmul/matmul.ts';
import { expectOperation } from '../../support/check.ts';
import { matrixGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const options = { tier: 'gpu', features: [matrixFeature] } as const;
const hasMatrices = (await matrixGpus()).length > 0;

interface Case {
  readonly x: readonly number[];
  readonly columns: number;
  readonly transposed: boolean;
  readonly dtype?: 'f32' | 'f16' | 'bf16';
  readonly batched?: boolean;
  readonly finish?: Activation;
  /** Factors of the rows of x, in turn. */
  readonly factors?: readonly number[];
}

const cases: readonly Case[] = [
  { x: [9, 16], columns: 4, transposed: true },
  { x: [64, 48], columns: 128, transposed: false },
  { x: [67, 80], columns: 132, transposed: true, finish: 'gelu' },
  { x: [130, 32], columns: 68, transposed: false, finish: 'none' },
  { x: [2, 33, 64], columns: 36, transposed: true, batched: true, finish: 'silu' },
  { x: [11, 1024], columns: 20, transposed: true, finish: 'relu' },
  // Beyond the range of f16, and below what it tells from 0.
  { x: [20, 64], columns: 24, transposed: true, factors: [1, 1e30, 1e-30, 0, 1e5, 1e-9] },
];

for (const [i, one] of cases.entries()) {
  const { x: shape, columns, transposed, batched = false, finish, factors = [1] } = one;
  const kind = `(${shape.join(', ')}) to ${columns}, ${transposed ? 'transposed' : 'as it is'}`;
  // A software driver takes a minute to unroll the matrices.
  test(`matrix units, ${kind}`, { timeout: 300_000 }, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(900 + i);
      const depth = shape.at(-1)!;
      const matrix = transposed ? [columns, depth] : [depth, columns];
      const weightShape = batched ? [...shape.slice(0, -2), ...matrix] : matrix;
      const { kernels } = await expectOperation(
        gpu,
        (bench) => {
          const values = random
            .values(elements(shape))
            .map((value, at) => value * factors[Math.floor(at / depth) % factors.length]!);
          const x = bench.input('x', shape, values);
          const weight = bench.weight(weightShape, random.values(elements(weightShape)), 'f16');
          const wide = [...shape.slice(0, -1), columns];
          const bias = finish && bench.input('bias', [columns], random.values(columns));
          const residual = finish && bench.input('residual', wide, random.values(elements(wide)));
          return [matmul(x, weight, { transposed, bias, residual, activation: finish ?? 'none' })];
        },
        { seed: 900 + i },
      );
      const names = kernels.map(({ kernel }) => kernel.name);
      const joins = depth === 1024 ? ['matmul-join-fours'] : [];
      expect(names).toEqual(
        hasMatrices ? ['matmul-scale', 'matmul-matrix', ...joins] : ['matmul-tile-fours', ...joins],
      );
    }),
  );
}

test('weights of f32 and bf16, and lengths that are no multiples of four, take the tiles', () =>
  withGpu(options, async (gpu) => {
    const random = new Random(950);
    for (const [dtype, depth] of [
      ['f32', 32],
      ['bf16', 32],
      ['f16', 33],
    ] as const) {
      const { kernels } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', [12, depth], random.values(12 * depth));
        const weight = bench.weight([8, depth], random.values(8 * depth), dtype);
        return [matmul(x, weight, { transposed: true })];
      });
      expect(kernels.map(({ kernel }) => kernel.name.slice(0, 11))).toEqual(['matmul-tile']);
    }
  }));
