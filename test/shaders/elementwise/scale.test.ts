// Scaling and soft bounds against float64.
import { test } from 'vitest';
import { scale, softCap } from '../../../src/shaders/elementwise/scale.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`scaled and bounded, singly and in fours, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, columns] of [1, 3, 4, 67, 128].entries()) {
        const random = new Random(100 + i);
        await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [3, columns], random.values(3 * columns));
            const small = bench.input(
              'small',
              [3, columns],
              random.values(3 * columns, { scale: 1e-3 }),
            );
            return [scale(x, -0.37), softCap(x, 0.5), softCap(x, 30), softCap(small, 1)];
          },
          { seed: 100 + i },
        );
      }
    }));
}
