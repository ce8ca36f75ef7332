// Bounded weights and their gradients against float64.
import { test } from 'vitest';
import { clampBackward } from '../../../src/shaders/elementwise/clamp-backward.ts';
import { clamp, clampInPlace } from '../../../src/shaders/elementwise/clamp.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`within bounds, and back, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, size] of [1, 7, 64, 131].entries()) {
        const random = new Random(110 + i);
        await expectOperation(gpu, (bench) => {
          const values = random.values(size);
          // On the bound there is a gradient.
          values[0] = -0.5;
          const x = bench.input('x', [size], values);
          const dy = bench.input('dy', [size], random.values(size));
          const kept = bench.input('kept', [size], random.values(size));
          const y = clamp(x.recording, x, { limit: 0.5, gradient: 'inside' });
          const trace = { x, limit: 0.5, gradient: 'inside' } as const;
          const entry = { op: 'clamp', output: y, inputs: [x], trace } as const;
          const back = clampBackward(entry, dy, () => true);
          clampInPlace(kept, 0.25);
          return [y, kept, ...back.map(([, gradient]) => gradient())];
        });
      }
    }));
}
