// Steps along gradients of given lengths, against float64.
import { expect, test } from 'vitest';
import { stepAlong, within } from '../../../src/shaders/elementwise/perturb.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`steps and bounds, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of (
        [
          [1, 1],
          [5, 13],
          [3, 130],
        ] as const
      ).entries()) {
        const random = new Random(30 + i);
        const size = rows * columns;
        const x = random.values(size);
        // The last row of several has no direction.
        if (rows > 1) x.fill(0, size - columns);
        const squares = Float32Array.from({ length: rows }, (_, row) =>
          x
            .subarray(row * columns, (row + 1) * columns)
            .reduce((sum, value) => sum + value ** 2, 0),
        );
        const { outputs } = await expectOperation(gpu, (bench) => {
          const gradient = bench.input('x', [rows, columns], x);
          const energy = bench.input('energy', [rows], squares);
          const prior = bench.input('prior', [rows, columns], random.values(size));
          return [
            stepAlong(gradient, energy, { step: 0.7, prior: undefined }),
            stepAlong(gradient, energy, { step: 0.3, prior }),
            within(gradient, energy, 0.4),
            within(gradient, energy, 1e6),
            stepAlong(gradient, undefined, { step: 0.7, prior: undefined }),
            stepAlong(gradient, undefined, { step: 0.3, prior }),
            within(gradient, undefined, 0.4),
          ];
        });
        const length = Math.hypot(...outputs[0]!.subarray(0, columns));
        expect(Math.abs(length - 0.7)).toBeLessThan(1e-5);
        expect([...outputs[3]!]).toEqual([...x]);
      }
    }));
}
