// Root mean square normalization, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random, type ValueOptions } from '../../support/random.ts';
import { normalize } from '../../../src/shaders/rows/norm.ts';

interface NormOptions {
  readonly residual?: boolean;
  readonly eps?: number;
  readonly offset?: number;
  readonly values?: ValueOptions;
}

async function expectRmsNorm(
  gpu: Gpu,
  seed: number,
  shape: readonly [number, number],
  { residual = false, eps = 1e-6, offset, values = {} }: NormOptions = {},
): Promise<string> {
  const random = new Random(seed);
  const [rows, columns] = shape;
  const { kernels } = await expectOperation(
    gpu,
    (bench) => {
      const x = bench.input('x', shape, random.values(rows * columns, values));
      const weight = bench.input('weight', [columns], random.values(columns));
      const given = residual && {
        residual: bench.input('residual', shape, random.values(rows * columns)),
      };
      return [normalize(x, { weight, eps, ...(offset !== undefined && { offset }) }, given || {})];
    },
    { seed },
  );
  return kernels[0]!.kernel.name;
}

const gpus = await testGpus();

for (const { name, options } of gpus) {
  test(`rows of every length, with and without residual and offset, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, columns] of [1, 2, 3, 4, 5, 63, 64, 65, 256, 257].entries()) {
        const rows = [1, 3, 15, 16, 17, 5][i % 6]!;
        await expectRmsNorm(gpu, 100 + i, [rows, columns], { offset: i % 2 });
        await expectRmsNorm(gpu, 120 + i, [rows, columns], { residual: true, eps: 1e-12 });
      }
    }));

  test(`large means, small values and outliers, ${name}`, () =>
    withGpu(options, async (gpu) => {
      await expectRmsNorm(gpu, 200, [7, 64], { values: { mean: 1000, scale: 0.05 } });
      await expectRmsNorm(gpu, 201, [5, 37], { values: { scale: 1e-3, outliers: 0 }, eps: 1e-5 });
      await expectRmsNorm(gpu, 202, [3, 128], { values: { scale: 1e4, outliers: 3 }, offset: 1 });
      await expectRmsNorm(gpu, 203, [3, 19], { values: { scale: 0 } });
    }));

  test(`the mean is not taken off, and the offset is added to the gain, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', [1, 3], Float32Array.of(3, 3, 3));
        const weight = bench.input('weight', [3], Float32Array.of(0, 1, -0.5));
        return [normalize(x, { weight, eps: 0, offset: 1 })];
      });
      for (const [i, wanted] of [1, 2, 0.5].entries()) {
        expect(outputs[0]![i]).toBeCloseTo(wanted, 6);
      }
    }));

  test(`the kernel meant for the device runs, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const form = rowFormOf(gpu);
      expect(await expectRmsNorm(gpu, 300, [3, 5])).toBe(`rms-norm-${form}`);
      expect(await expectRmsNorm(gpu, 301, [3, 8])).toBe(`rms-norm-fours-${form}`);
    }));
}
