// The losses of numbers and of flags, and their gradients, against float64, of logits near 0 and far from it.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { valueLoss } from '../../../src/shaders/loss/value-loss.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

test.each([false, true])('losses and gradients, flags: %s', (isFlags) =>
  withGpu(device!.options, async (gpu) => {
    for (const [rows, columns, scale] of [
      [1, 1, 1],
      [3, 7, 30],
      [5, 67, 3],
    ] as const) {
      const random = new Random(columns);
      const shape = [rows, columns];
      const size = rows * columns;
      const labels = isFlags
        ? Float32Array.from({ length: size }, (_, i) => [0, 1, 0.25][i % 3]!)
        : random.values(size, { scale });
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const x = bench.input('x', shape, random.values(size, { scale }));
          const y = valueLoss(x, bench.input('label', shape, labels), isFlags);
          const dy = bench.input('dy', shape, random.values(size));
          const found = gradients(bench.recording, new Map([[y, dy]]), [x], gradientRules);
          return [y, found.get(x)!];
        },
        { seed: columns, training: true },
      );
      expect(outputs[0]!.every((loss) => loss >= 0)).toBe(true);
    }
  }),
);
