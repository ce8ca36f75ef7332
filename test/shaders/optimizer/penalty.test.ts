// Penalties of parameters and weights of labels, against float64.
import { test } from 'vitest';
import { ignoredLabel } from '../../../src/shaders/loss/ignored-label.ts';
import { labelWeights } from '../../../src/shaders/loss/label-weights.ts';
import { penalize } from '../../../src/shaders/optimizer/penalty.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { decays, trainable } from '../../support/optimizer.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`gradients of penalties, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, size] of [4, 260, 1028].entries()) {
        const random = new Random(90 + i);
        await expectOperation(gpu, (bench) => {
          const parameter = random.values(size);
          parameter[1] = 0;
          const kinds = random
            .indices(size, 3)
            .map((kind) => [0, trainable, trainable | decays][kind]!);
          const words = new Uint32Array(Uint8Array.from(kinds).buffer);
          const gradients = bench.input('gradients', [size], random.values(size));
          penalize(
            {
              parameters: bench.input('parameters', [size], parameter),
              gradients,
              flags: bench.input('flags', [size / 4], words),
              states: [],
            },
            { l1: 0.3, l2: i === 0 ? 0 : 0.7 },
          );
          return [gradients];
        });
      }
    }));

  test(`weights of labels, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, classes]] of (
        [
          [1, 1],
          [65, 3],
          [7, 130],
        ] as const
      ).entries()) {
        const random = new Random(95 + i);
        const labels = random.indices(rows, classes);
        labels[rows - 1] = ignoredLabel;
        await expectOperation(gpu, (bench) => [
          labelWeights(
            bench.input('labels', [rows], labels),
            bench.input('factors', [classes], random.values(classes)),
          ),
        ]);
      }
    }));
}
