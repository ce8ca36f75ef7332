// The loss of pairs and its gradient against float64, of logits near 0 and far from it.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { sigmoidLoss } from '../../../src/shaders/loss/sigmoid-loss.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

test('losses and gradients', () =>
  withGpu(device!.options, async (gpu) => {
    for (const [columns, scale] of [
      [1, 1],
      [7, 30],
      [67, 3],
    ] as const) {
      const random = new Random(columns);
      const size = columns * columns;
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const x = bench.input('x', [columns, columns], random.values(size, { scale }));
          const y = sigmoidLoss(x);
          const dy = bench.input('dy', [columns, columns], random.values(size));
          const found = gradients(bench.recording, new Map([[y, dy]]), [x], gradientRules);
          return [y, found.get(x)!];
        },
        { seed: columns, training: true },
      );
      expect(outputs[0]!.every((loss) => loss >= 0)).toBe(true);
    }
  }));
