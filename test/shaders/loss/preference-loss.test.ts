// The loss of preferences, against float64.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { preferenceLoss } from '../../../src/shaders/loss/preference-loss.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';

const gpus = await testGpus();
/** Pairs, tokens of each text, β, ε. */
const cases = [
  [1, 1, 1, 0],
  [3, 5, 0.1, 0.2],
  [17, 64, 0.5, 0],
  [5, 65, 0.01, 0.5],
  [2, 1031, 0.1, 0.1],
] as const;

for (const { name, options } of gpus) {
  test(`losses and gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [pairs, length, beta, smoothing]] of cases.entries()) {
        const random = new Random(40 + i);
        const shape = [2 * pairs * length];
        const { kernels } = await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', shape, random.values(shape[0]!));
            const reference = bench.input('reference', shape, random.values(shape[0]!));
            const loss = preferenceLoss(x, { reference, length, beta, smoothing });
            const dLoss = bench.input('d loss', [pairs], random.values(pairs));
            const found = gradients(bench.recording, new Map([[loss, dLoss]]), [x], gradientRules);
            return [loss, found.get(x)!];
          },
          { seed: 40 + i, training: true },
        );
        const suffix = rowFormOf(gpu);
        expect(kernels.map(({ kernel }) => kernel.name)).toEqual([
          `preference-loss-${suffix}`,
          `preference-loss-backward-${suffix}`,
        ]);
      }
    }));

  test(`margins beyond what exp can hold, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const { outputs } = await expectOperation(gpu, (bench) => [
        preferenceLoss(bench.input('x', [4], Float32Array.of(0, 500, 500, 0)), {
          reference: bench.input('reference', [4], new Float32Array(4)),
          length: 1,
          beta: 1,
          smoothing: 0,
        }),
      ]);
      expect([...outputs[0]!]).toEqual([0, 500]);
    }));
}

test('losses that are not of the same pairs are refused', () =>
  withGpu({}, async (gpu) => {
    await expectRejection(
      () =>
        expectOperation(gpu, (bench) => [
          preferenceLoss(bench.input('x', [6], new Float32Array(6)), {
            reference: bench.input('reference', [6], new Float32Array(6)),
            length: 2,
            beta: 1,
            smoothing: 0,
          }),
        ]),
      'INPUT_INVALID',
      'pairs of 2 tokens',
    );
  }));
