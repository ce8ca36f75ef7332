// Lengths of rows in every storage format, and columns brought to lengths of their own, against float64.
import { test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { rescale } from '../../../src/shaders/matmul/adapters/rescale.ts';
import { rowEnergy } from '../../../src/shaders/rows/row-energy.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

/** Rows and columns of a weight, and the rows that are measured. */
const weights = [
  { rows: 1, columns: 1, first: 0, count: 1 },
  { rows: 19, columns: 67, first: 3, count: 16 },
  { rows: 5, columns: 1030, first: 1, count: 3 },
] as const;

/** Rows and columns of a result, and the columns that are rescaled. */
const results = [
  { rows: 1, columns: 1, left: 0, width: 1 },
  { rows: 65, columns: 5, left: 0, width: 5 },
  { rows: 7, columns: 67, left: 33, width: 30 },
] as const;

for (const { name, options } of gpus) {
  test(`lengths of rows, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { rows, columns, first, count }] of weights.entries()) {
        for (const dtype of ['f32', 'f16', 'bf16'] as const) {
          const random = new Random(60 + i);
          await expectOperation(gpu, (bench) => {
            const weight = bench.weight([rows, columns], random.values(rows * columns), dtype);
            const delta = bench.input('delta', [count, columns], random.values(count * columns));
            return [rowEnergy(weight, delta, { first, scale: 0.7 })];
          });
        }
      }
    }));

  test(`columns and their gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { rows, columns, left, width }] of results.entries()) {
        for (const hasBias of [false, true]) {
          const random = new Random(70 + i);
          await expectOperation(
            gpu,
            (bench) => {
              const y = bench.input('y', [rows, columns], random.values(rows * columns));
              const magnitude = bench.input('magnitude', [width], random.values(width));
              const squares = random.values(width).map((value) => 0.1 + value ** 2);
              const energy = bench.input('energy', [width], squares);
              const bias = hasBias
                ? bench.input('bias', [columns], random.values(columns))
                : undefined;
              const z = rescale(y, { magnitude, energy, bias, left });
              const dz = bench.input('dz', z.shape, random.values(rows * columns));
              const seeds = new Map([[z, dz]]);
              const found = gradients(bench.recording, seeds, [y, magnitude], gradientRules);
              return [z, ...found.values()];
            },
            { seed: 70 + i, training: true },
          );
        }
      }
    }));
}
