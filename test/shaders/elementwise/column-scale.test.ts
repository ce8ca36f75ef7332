// Columns with factors of their own, and elements with theirs.
import { expect, test } from 'vitest';
import {
  columnProduct,
  columnScale,
  multiplied,
} from '../../../src/shaders/elementwise/column-scale.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

test('columns among others', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(4);
    const whole = random.values(2 * 3 * 23);
    await expectOperation(gpu, (bench) => {
      const beside = bench.input('beside', [2, 3, 23], whole);
      return [0, 5, 18].map((first) => {
        const x = bench.input(`x ${first}`, [2, 3, 5], random.values(30));
        return columnProduct(x, beside, first, 'product');
      });
    });
  }));

test('with a sum and without', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(3);
    for (const shape of [[7, 13], [2, 5, 3], [3, 12], [1]]) {
      const columns = shape.at(-1)!;
      const size = shape.reduce((a, b) => a * b, 1);
      const { outputs } = await expectOperation(gpu, (bench) => {
        const [x, residual] = ['x', 'residual'].map((name) =>
          bench.input(name, shape, random.values(size)),
        );
        const factor = bench.input('factor', [columns], random.values(columns));
        const period = Math.ceil(columns / 3);
        const repeated = bench.input('repeated', [period], random.values(period));
        return [
          columnScale(x!, factor),
          columnScale(x!, factor, { residual }),
          ...(columns % period === 0 ? [columnScale(x!, repeated)] : []),
          multiplied(x!, residual!, { label: 'product' }),
        ];
      });
      expect(outputs[0]).toHaveLength(size);
    }
  }));
