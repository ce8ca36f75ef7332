// What is kept in f16, against float64, and back without loss.
import { expect, test } from 'vitest';
import { packHalves, unpackHalves } from '../../../src/shaders/elementwise/halves.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`numbers in f16 and back, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of (
        [
          [1, 2],
          [3, 6],
          [7, 130],
        ] as const
      ).entries()) {
        const random = new Random(70 + i);
        const values = random.values(rows * columns, { scale: 10 });
        values.set([1e6, -7e4].slice(0, values.length));
        const { outputs } = await expectOperation(gpu, (bench) => {
          const once = unpackHalves(packHalves(bench.input('x', [rows, columns], values)), [
            rows,
            columns,
          ]);
          return [once, unpackHalves(packHalves(once), [rows, columns])];
        });
        expect(outputs[1]).toEqual(outputs[0]);
        expect([...outputs[0]!.subarray(0, 2)]).toEqual([65_504, -65_504]);
      }
    }));
}
