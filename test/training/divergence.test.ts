// When values are no numbers any more: steps are skipped and counted, parameters stay, training stops.

import { constant, type Schedule, type Trainer } from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { sharedGpu, testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import {
  MemoryTarget,
  poison,
  snapshot,
  tinyBatch,
  trainTo,
  withTrainer,
} from '../support/training.ts';

const onGpu = sharedGpu();

test.each(await testGpus())(
  'values that are no numbers stop training, on $name',
  async ({ options }) => {
    await withGpu(options, async (gpu) => {
      for (const value of [NaN, Infinity]) {
        await withTrainer(gpu, { maxSkippedSteps: 3 }, (trainer) => expectStop(trainer, value));
      }
    });
  },
);

/** Trains on with a parameter of this value until training stops, and then without it. */
async function expectStop(trainer: Trainer, value: number): Promise<void> {
  await trainTo(trainer, 2);
  const heal = await poison(trainer, value);
  const before = await snapshot(trainer);
  const seen: [boolean, number, number][] = [];
  const run = async (): Promise<void> => {
    for await (const { skipped, skippedSteps, gradNorm } of trainer.steps(tinyBatch)) {
      seen.push([skipped, skippedSteps, gradNorm]);
    }
  };
  await expectRejection(run(), 'TRAINING_DIVERGED', '3 steps', 'learning rate', 'maxGradNorm');
  expect(seen, `parameter ${value}`).toEqual([1, 2, 3].map((count) => [true, count, Infinity]));
  const after = await snapshot(trainer);
  expect(after.parameters).toEqual(before.parameters);
  expect(after.states).toEqual(before.states);
  expect(after.counters).toEqual([2, 3, 3, 0]);
  expect([after.step, after.batchesUsed]).toEqual([5, 5]);

  // The trainer is as usable as before.
  const target = new MemoryTarget();
  await trainer.save(target);
  await heal();
  for await (const { skipped, skippedSteps } of trainer.steps(tinyBatch, { maxSteps: 6 })) {
    expect([skipped, skippedSteps]).toEqual([false, 3]);
  }
  expect((await snapshot(trainer)).counters).toEqual([3, 3, 0, 0]);
  await trainer.restore(target.source);
  expect(await snapshot(trainer)).toEqual(after);
}

test('a learning rate far too high ends in TRAINING_DIVERGED', async () => {
  await onGpu(async (gpu) => {
    const options = { learningRate: 1e30, maxSkippedSteps: 2, maxGradNorm: 1 };
    await withTrainer(gpu, options, async (trainer) => {
      await expectRejection(trainTo(trainer, 50), 'TRAINING_DIVERGED');
      await trainer.save(new MemoryTarget());
    });
  });
});

test('a learning rate that is no finite number is refused before it does harm', async () => {
  await onGpu(async (gpu) => {
    for (const rate of [Infinity, NaN, -1, 1e39]) {
      const schedule: Schedule = (step) => (step === 3 ? rate : 0.01);
      await withTrainer(gpu, { learningRate: schedule }, async (trainer) => {
        await trainTo(trainer, 2);
        const before = await snapshot(trainer);
        const run = trainer.steps(tinyBatch);
        let message = '';
        await run.next().catch((error: Error) => (message = error.message));
        expect(message).toContain(`learningRate is ${rate} in step 3`);
        expect(await snapshot(trainer)).toEqual(before);
        await trainer.save(new MemoryTarget());
      });
      if (rate !== 1e39) expect(() => constant(rate)).toThrow(`learningRate is ${rate}`);
    }
  });
});
