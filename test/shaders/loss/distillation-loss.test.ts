// The loss of a student with a teacher, against float64.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import { ignoredLabel } from '../../../src/shaders/loss/ignored-label.ts';
import { distillationLoss } from '../../../src/shaders/loss/distillation-loss.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { expectOperation } from '../../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';

const gpus = await testGpus();
const shapes = [
  [1, 1],
  [3, 2],
  [15, 4],
  [17, 5],
  [16, 64],
  [7, 65],
  [3, 1031],
] as const;
const settings = [
  { temperature: 2, weight: 0.5, smoothing: 0.1 },
  { temperature: 1, weight: 1, smoothing: 0 },
  { temperature: 0.5, weight: 0.25, smoothing: 0 },
  { temperature: 7, weight: 0, smoothing: 0.3 },
];

for (const { name, options } of gpus) {
  test(`losses and gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of shapes.entries()) {
        const random = new Random(700 + i);
        const labels = random.indices(rows, columns);
        labels.forEach((_, row) => {
          if (row % 3 === 1) labels[row] = ignoredLabel;
        });
        const scales = settings[i % settings.length]!;
        const { outputs, kernels } = await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [rows, columns], random.values(rows * columns));
            const taught = random.values(rows * columns, { scale: 2 });
            const teacher = bench.input('teacher', [rows, columns], taught);
            const label = bench.input('labels', [rows], labels);
            const loss = distillationLoss(x, { teacher, label, ...scales });
            const dLoss = bench.input('d loss', [rows], random.values(rows));
            const found = gradients(bench.recording, new Map([[loss, dLoss]]), [x], gradientRules);
            return [loss, found.get(x)!];
          },
          { seed: 700 + i, training: true },
        );
        const [losses, dx] = outputs;
        labels.forEach((label, row) => {
          if (label !== ignoredLabel >>> 0) return;
          expect(losses![row]).toBe(0);
          const own = dx!.subarray(row * columns, (row + 1) * columns);
          expect(own.every((value) => value === 0)).toBe(true);
        });
        const suffix = rowFormOf(gpu);
        expect(kernels.map(({ kernel }) => kernel.name)).toEqual([
          `distillation-loss-${suffix}`,
          `distillation-loss-backward-${suffix}`,
        ]);
      }
    }));

  test(`a student like its teacher, masked columns and large logits, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const of = async (
        student: number[],
        taught: number[],
        weight: number,
        temperature = 2,
      ): Promise<number> => {
        const columns = student.length;
        const { outputs } = await expectOperation(gpu, (bench) => [
          distillationLoss(bench.input('x', [1, columns], Float32Array.from(student)), {
            teacher: bench.input('teacher', [1, columns], Float32Array.from(taught)),
            label: bench.input('labels', [1], Uint32Array.of(0)),
            temperature,
            weight,
            smoothing: 0,
          }),
        ]);
        return outputs[0]![0]!;
      };
      const logits = Array.from(new Random(720).values(67));
      expect(Math.abs(await of(logits, logits, 1))).toBeLessThan(1e-5);
      const shifted = logits.map((value) => value + 8);
      expect(Math.abs(await of(shifted, logits, 1))).toBeLessThan(1e-4);
      // A column that both leave out says nothing; exp(90) alone would overflow.
      expect(await of([90, 90, -1e30], [90, 90, -1e30], 1)).toBe(0);
      // At a temperature below 1 the distance of a masked column leaves f32.
      expect(await of([90, 90, -3e38], [90, 90, -3e38], 1, 0.5)).toBe(0);
      expect(await of([200, 0, -1e30], [0, 0, -2e30], 0.5)).toBeGreaterThan(60);
    }));
}

test('logits that do not fit are refused', () =>
  withGpu({}, async (gpu) => {
    await expectRejection(
      () =>
        expectOperation(gpu, (bench) => [
          distillationLoss(bench.input('x', [2, 3], new Float32Array(6)), {
            teacher: bench.input('teacher', [2, 4], new Float32Array(8)),
            label: bench.input('labels', [2], new Uint32Array(2)),
            temperature: 2,
            weight: 0.5,
            smoothing: 0,
          }),
        ]),
      'INPUT_INVALID',
      '(2, 4)',
      '(2, 3)',
      'same vocabulary',
    );
  }));
