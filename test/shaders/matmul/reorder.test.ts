// Columns in another order.
import { expect, test } from 'vitest';
import { reorder } from '../../../src/shaders/matmul/columns/reorder.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

test('rows with their columns in another order', () =>
  withGpu(device!.options, async (gpu) => {
    const values = new Random(1).values(3 * 70);
    const order = Uint32Array.from({ length: 70 }, (_, i) => (i * 3) % 70);
    const { outputs } = await expectOperation(gpu, (bench) => {
      const x = bench.input('x', [3, 70], values);
      return [reorder(x, bench.input('order', [70], order))];
    });
    expect(outputs[0]?.[2 * 70 + 5]).toBe(values[2 * 70 + 15]);
  }));
