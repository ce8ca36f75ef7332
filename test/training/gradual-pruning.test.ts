// Pruning as training goes on: the schedule, that what went stays away, and that a run that is restored goes on alike.
import { expect, test } from 'vitest';
import { gradualPruning, Trainer } from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { withGpu } from '../support/gpu.ts';
import { MemoryTarget, snapshot, tinyModel, trainTo, withTrainer } from '../support/training.ts';

const options = { sparsity: 0.8, initialSparsity: 0.1, from: 2, to: 8, every: 2 };

test('the part that is zero grows by a cube, fast at first', () => {
  const pruning = gradualPruning(options);
  expect([pruning.sparsityAt(0), pruning.sparsityAt(1)]).toEqual([undefined, undefined]);
  const part = (share: number): number => 0.8 - 0.7 * (1 - share) ** 3;
  const wanted = [0, 0, 1, 1, 2, 2, 3, 3, 3].map((count) => part(count / 3));
  for (const [i, want] of wanted.entries()) expect(pruning.sparsityAt(2 + i)).toBeCloseTo(want, 12);
  // The last step is one even where the others do not lead to it.
  const uneven = gradualPruning({ sparsity: 0.5, from: 1, to: 6, every: 4 });
  expect([1, 4, 5, 6, 99].map((step) => uneven.sparsityAt(step))).toEqual([
    0,
    0,
    0.5 - 0.5 * 0.2 ** 3,
    0.5,
    0.5,
  ]);
});

/** Zeros of the matrices, by name, as parts of them. */
async function partsOf({ gpu, state }: Trainer): Promise<number[]> {
  const values = await readParameters(gpu, state.parameters);
  const matrices = [...values.values()].filter(
    ({ shape }) => shape.filter((size) => size > 1).length > 1,
  );
  return matrices.map(({ data }) => data.filter((value) => value === 0).length / data.length);
}

test('a run prunes each matrix by the schedule, and what went stays away', () =>
  withGpu({}, (gpu) =>
    withTrainer(gpu, { pruning: gradualPruning(options) }, async (trainer) => {
      const all = trainer.trainableParameters;
      for (const step of [1, 3, 5, 7, 9]) {
        await trainTo(trainer, step);
        const wanted = gradualPruning(options).sparsityAt(step) ?? 0;
        // Each matrix loses a whole number of its weights.
        for (const part of await partsOf(trainer))
          expect(Math.abs(part - wanted)).toBeLessThan(0.01);
      }
      expect(trainer.trainableParameters).toBeLessThan(0.4 * all);
    }),
  ));

test('a run that is restored goes on as if nothing had been', () =>
  withGpu({}, async (gpu) => {
    const target = new MemoryTarget();
    using model = await tinyModel(gpu);
    using copy = await tinyModel(gpu);
    const settings = { learningRate: 0.01, seed: 5 };
    using whole = new Trainer(model, { ...settings, pruning: gradualPruning(options) });
    await trainTo(whole, 5);
    await whole.save(target);
    await trainTo(whole, 9);
    using other = new Trainer(copy, { ...settings, pruning: gradualPruning(options) });
    await other.restore(target.source);
    await trainTo(other, 9);
    expect(await snapshot(other)).toEqual(await snapshot(whole));
    expect(other.trainableParameters).toBe(whole.trainableParameters);
  }));

test.each([
  [{ sparsity: 1 }, 'sparsity is 1'],
  [{ from: 0 }, 'from'],
  [{ to: 2 }, 'to'],
  [{ every: 0 }, 'every'],
  [{ initialSparsity: 0.9 }, 'initialSparsity is 0.9, more than sparsity'],
  [{ scope: 'layer' as never }, 'scope'],
  [{ targets: [1] as never }, 'targets'],
])('refuses %o', (wrong, text) => {
  expect(() => gradualPruning({ ...options, ...wrong })).toThrow(text);
});

test('a trainer takes what gradualPruning makes, and no adapter beside it', () =>
  withGpu({}, async (gpu) => {
    using model = await tinyModel(gpu);
    const made = (more: object) => () => new Trainer(model, { learningRate: 1, ...more });
    expect(made({ pruning: options })).toThrow('gradualPruning');
    const adapter = { adapt() {} };
    expect(made({ pruning: gradualPruning(options), adapter })).toThrow('Leave pruning or adapter');
  }));
