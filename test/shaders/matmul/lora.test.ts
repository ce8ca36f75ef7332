// A weight with a low-rank update, in every storage format, against float64.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { lora } from '../../../src/shaders/matmul/adapters/lora.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';

const gpus = await testGpus();

/** Rows and columns of the weight, and the rows and columns that are updated: all columns by default. */
const shapes = [
  { rows: 1, columns: 1, first: 0, count: 1 },
  { rows: 3, columns: 67, first: 1, count: 1 },
  { rows: 13, columns: 5, first: 0, count: 13 },
  { rows: 17, columns: 4, first: 0, count: 5 },
  { rows: 17, columns: 31, first: 12, count: 5 },
  { rows: 130, columns: 64, first: 7, count: 101 },
  { rows: 5, columns: 67, first: 0, count: 5, left: 33, width: 34 },
  { rows: 19, columns: 12, first: 3, count: 9, left: 1, width: 7 },
];

for (const { name, options } of gpus) {
  test(`an update and its gradient, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { rows, columns, first, count, ...rest }] of shapes.entries()) {
        const { left = 0, width = columns } = rest;
        for (const dtype of ['f32', 'f16', 'bf16'] as const) {
          const random = new Random(800 + i);
          await expectOperation(
            gpu,
            (bench) => {
              const values = random.values(rows * columns, { scale: 0.3 });
              const weight = bench.weight([rows, columns], values, dtype);
              const delta = bench.input('delta', [count, width], random.values(count * width));
              const y = lora(weight, delta, { first, left, scale: [1, 0.37, 2][i % 3]! });
              const dy = bench.input('dy', y.shape, random.values(rows * columns));
              const found = gradients(bench.recording, new Map([[y, dy]]), [delta], gradientRules);
              return [y, ...found.values()];
            },
            { seed: 800 + i, training: true },
          );
        }
      }
    }));
}

test('numbers that are known', () =>
  withGpu({}, async (gpu) => {
    const { outputs } = await expectOperation(
      gpu,
      (bench) => {
        const weight = bench.weight([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6), 'f16');
        const delta = bench.input('delta', [1, 2], Float32Array.of(10, 20));
        const y = lora(weight, delta, { first: 1, scale: 0.5 });
        const dy = bench.input('dy', [3, 2], Float32Array.of(1, 1, 7, 9, 1, 1));
        return [
          y,
          ...gradients(bench.recording, new Map([[y, dy]]), [delta], gradientRules).values(),
        ];
      },
      { training: true },
    );
    expect([...outputs[0]!]).toEqual([1, 2, 8, 14, 5, 6]);
    expect([...outputs[1]!]).toEqual([3.5, 4.5]);
  }));

test('an update that does not fit is refused', () =>
  withGpu({}, async (gpu) => {
    const build =
      (shape: readonly [number, number], first: number, left = 0) =>
      (): Promise<unknown> =>
        expectOperation(gpu, (bench) => {
          const weight = bench.weight([5, 3], new Float32Array(15));
          const delta = bench.input('delta', shape, new Float32Array(shape[0] * shape[1]));
          return [lora(weight, delta, { first, left, scale: 1 })];
        });
    await expectRejection(build([2, 3], 4), 'TENSOR_MISMATCH', 'delta f32(2, 3)', 'from row 4');
    await expectRejection(build([2, 4], 0), 'TENSOR_MISMATCH', 'f32(5, 3)');
    await expectRejection(build([2, 3], 0, 1), 'TENSOR_MISMATCH', 'column 1');
  }));
