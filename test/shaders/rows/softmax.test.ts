// Softmax and cross entropy of rows, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import type { Values } from '../../reference/twin.ts';
import { crossEntropy } from '../../../src/shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../../../src/shaders/loss/ignored-label.ts';
import { softmax } from '../../../src/shaders/rows/softmax.ts';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();
const shapes = [
  [1, 1],
  [3, 2],
  [5, 3],
  [15, 4],
  [17, 5],
  [2, 63],
  [16, 64],
  [7, 65],
  [3, 1031],
];
type Shape = [number, number];

async function expectSoftmax(
  gpu: Gpu,
  seed: number,
  [rows, columns]: Shape,
  x: Float32Array<ArrayBuffer>,
): Promise<Values> {
  const build = { seed };
  const { outputs } = await expectOperation(
    gpu,
    (bench) => [softmax(bench.input('x', [rows, columns], x))],
    build,
  );
  return outputs[0]!;
}

for (const { name, options } of gpus) {
  test(`softmax, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of (shapes as Shape[]).entries()) {
        const random = new Random(100 + i);
        await expectSoftmax(gpu, 100 + i, [rows, columns], random.values(rows * columns));
      }
      const wide = new Random(150).values(5 * 37, { scale: 30, outliers: 5 });
      await expectSoftmax(gpu, 150, [5, 37], wide);
      // The far ends of f32.
      const extreme = Float32Array.from([1e38, -1e38, 0, -3e38, -3e38, -2e38, 3e38, 3e38, 0]);
      const y = await expectSoftmax(gpu, 151, [3, 3], extreme);
      expect([...y]).toEqual([1, 0, 0, 0, 0, 1, 0.5, 0.5, 0]);
      const lowest = Float32Array.from({ length: 6 }, () => -3.4028234663852886e38);
      expect([...(await expectSoftmax(gpu, 152, [3, 2], lowest))]).toEqual(Array(6).fill(0.5));
    }));

  test(`cross entropy, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of (shapes as Shape[]).entries()) {
        const random = new Random(300 + i);
        const labels = random.indices(rows, columns);
        labels.forEach((_, row) => {
          if (row % 3 === 1) labels[row] = ignoredLabel;
        });
        const { outputs, kernels } = await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [rows, columns], random.values(rows * columns));
            return [crossEntropy(x, bench.input('labels', [rows], labels))];
          },
          { seed: 300 + i },
        );
        outputs[0]!.forEach((loss, row) => {
          if (row % 3 === 1) expect(loss).toBe(0);
        });
        expect(kernels[0]!.kernel.name).toBe(`cross-entropy-${rowFormOf(gpu)}`);
      }
    }));
}

for (const { name, options } of gpus) {
  test(`softmax of more rows than one axis of workgroups holds, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const rows = options.tier === 'gpu' || gpu.hasQuadSubgroups ? 65537 : 16 * 65535 + 1;
      await expectSoftmax(gpu, 160, [rows, 2], new Random(160).values(rows * 2));
    }));
}

// What counts is how far a single invocation goes, on adapters where one does a row.
for (const { name, options } of gpus.filter(({ options: { tier } }) => tier === 'software')) {
  test(`rows as long as large vocabularies, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const columns = 131_101;
      const random = new Random(170);
      await expectSoftmax(gpu, 170, [2, columns], random.values(2 * columns, { outliers: 0 }));
      await expectOperation(
        gpu,
        (bench) => {
          const x = bench.input('x', [2, columns], random.values(2 * columns, { outliers: 0 }));
          const labels = Uint32Array.of(columns - 1, 5);
          return [crossEntropy(x, bench.input('labels', [2], labels))];
        },
        { seed: 170 },
      );
    }));
}
