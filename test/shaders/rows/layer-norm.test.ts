// Layer normalization, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random, type ValueOptions } from '../../support/random.ts';
import { normalize } from '../../../src/shaders/rows/norm.ts';

interface NormOptions {
  readonly residual?: boolean;
  readonly eps?: number;
  readonly values?: ValueOptions;
}

async function expectLayerNorm(
  gpu: Gpu,
  seed: number,
  shape: readonly [number, number],
  { residual = false, eps = 1e-5, values = {} }: NormOptions = {},
): Promise<string> {
  const random = new Random(seed);
  const [rows, columns] = shape;
  const { kernels } = await expectOperation(
    gpu,
    (bench) => {
      const x = bench.input('x', shape, random.values(rows * columns, values));
      const weight = bench.input('weight', [columns], random.values(columns));
      const bias = bench.input('bias', [columns], random.values(columns));
      const given = residual && {
        residual: bench.input('residual', shape, random.values(rows * columns)),
      };
      return [normalize(x, { weight, bias, eps }, given || {})];
    },
    { seed },
  );
  return kernels[0]!.kernel.name;
}

const gpus = await testGpus();

for (const { name, options } of gpus) {
  test(`rows of every length, with and without a residual, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, columns] of [1, 2, 3, 4, 5, 63, 64, 65, 257].entries()) {
        const rows = [1, 3, 15, 16, 17, 5][i % 6]!;
        await expectLayerNorm(gpu, 100 + i, [rows, columns]);
        await expectLayerNorm(gpu, 120 + i, [rows, columns], { residual: true, eps: 1e-12 });
      }
    }));

  test(`a large mean with a small variance, and rows of one value, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const small = { mean: 1000, scale: 0.05, outliers: 0 };
      await expectLayerNorm(gpu, 200, [7, 64], { values: small });
      await expectLayerNorm(gpu, 201, [5, 257], { values: small, eps: 1e-12 });
      await expectLayerNorm(gpu, 202, [5, 37], { values: { scale: 1e-3, outliers: 0 } });
      await expectLayerNorm(gpu, 203, [3, 19], { values: { mean: 2, scale: 0 } });
      await expectLayerNorm(gpu, 204, [3, 128], { values: { scale: 1e4, outliers: 3 } });
    }));

  test(`the kernel meant for the device runs, ${name}`, () =>
    withGpu(options, async (gpu) => {
      expect(await expectLayerNorm(gpu, 300, [3, 5])).toBe(`layer-norm-${rowFormOf(gpu)}`);
    }));
}

for (const { name, options } of gpus) {
  test(`more rows than one axis of workgroups holds, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const rows = options.tier === 'gpu' || gpu.hasQuadSubgroups ? 65537 : 16 * 65535 + 1;
      const kernel = await expectLayerNorm(gpu, 310, [rows, 1]);
      expect(kernel).toMatch(/^layer-norm-/);
    }));
}
