// The loop of steps: how it ends, what it refuses, and that no batch is lost or used twice.

import type { Gpu, ModelInputs } from 'webgpu-transformer';
import type { StepsOptions, Trainer } from 'webgpu-transformer/training';
import { describe, expect, test } from 'vitest';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, snapshot, tinyBatch, trainTo, withTrainer } from '../support/training.ts';
import type { Snapshot } from '../support/training.ts';

const onGpu = sharedGpu();

/** Batches that can be gone through once. */
function* once(count: number): Generator<ModelInputs, void, undefined> {
  for (let index = 0; index < count; index++) yield tinyBatch(index);
}

async function* later(count: number): AsyncGenerator<ModelInputs, void, undefined> {
  for (const batch of once(count)) {
    await Promise.resolve();
    yield batch;
  }
}

type Batches = Parameters<Trainer['steps']>[0];

/** Steps until the end of the batches; their numbers. */
async function loop(trainer: Trainer, batches: Batches, options?: StepsOptions): Promise<number[]> {
  const seen: number[] = [];
  for await (const { step } of trainer.steps(batches, options)) seen.push(step);
  return seen;
}

/** What an undisturbed run has come to. */
function undisturbed(gpu: Gpu, steps: number, options = {}): Promise<Snapshot> {
  return withTrainer(gpu, options, async (trainer) => {
    await trainTo(trainer, steps);
    return snapshot(trainer);
  });
}

describe.each([1, 2])('%i batches a step', (accumulate) => {
  test('an aborted loop and one that was left lose no batch', async () => {
    for (const make of [once, later]) {
      await onGpu(async (gpu) => {
        const expected = await undisturbed(gpu, 6, { accumulate });
        await withTrainer(gpu, { accumulate }, async (trainer) => {
          const batches = make(6 * accumulate);
          const controller = new AbortController();
          const aborted = async (): Promise<void> => {
            for await (const { step } of trainer.steps(batches, { signal: controller.signal })) {
              if (step === 2) controller.abort(new Error('enough'));
            }
          };
          await expectRejection(aborted(), 'ABORTED');
          expect([trainer.step, trainer.batchesUsed]).toEqual([2, 2 * accumulate]);
          // A signal that has fired already takes no batch at all.
          await expectRejection(loop(trainer, batches, { signal: controller.signal }), 'ABORTED');
          for await (const { step } of trainer.steps(batches)) if (step === 4) break;
          expect(await loop(trainer, batches)).toEqual([5, 6]);
          expect(await snapshot(trainer)).toEqual(expected);
          expect(await loop(trainer, batches), 'nothing is left').toEqual([]);
        });
      });
    }
  });

  test('a wrong batch is left out, and nothing but it', async () => {
    const good = (index: number): ModelInputs => tinyBatch(index);
    const { inputIds = [], attentionMask = [], labels: targets = [] } = good(9);
    const labels = targets as number[][];
    const fill = (rows: readonly (readonly number[])[], value: number): number[][] =>
      rows.map((row) => row.map(() => value));
    const long = (value: number): number[][] => labels.map(() => Array<number>(17).fill(value));
    const wrong: [ModelInputs, string[]][] = [
      [{ inputIds, attentionMask, labels: fill(labels, -100) }, ['No label', '-100']],
      [{ inputIds, attentionMask: fill(attentionMask, 0), labels }, ['source', 'all padding']],
      [{ inputIds: long(5), labels }, ['inputIds has 17 tokens', '16 positions']],
      [{ inputIds, attentionMask, labels: long(5) }, ['17 tokens', '16 positions']],
      [{ inputIds: [...inputIds.slice(1), [5]], labels }, ['inputIds is ragged']],
      [{ inputIds, attentionMask, labels: [...labels.slice(1), [5]] }, ['labels is ragged']],
      [{ inputIds, attentionMask, labels: labels.slice(1) }, ['rows']],
      [{ inputIds, attentionMask }, ['needs labels']],
      [{ inputIds, attentionMask, labels: fill(labels, 19) }, ['labels[0][0] is 19', '18']],
      [{ inputIds, attentionMask, labels: fill(labels, -1) }, ['labels[0][0] is -1']],
      [{ inputIds: fill(inputIds, 19), labels }, ['inputIds[0][0] is 19']],
    ];
    await onGpu(async (gpu) => {
      const expected = await undisturbed(gpu, 2, { accumulate });
      for (const [batch, parts] of wrong) {
        await withTrainer(gpu, { accumulate }, async (trainer) => {
          const batches = Array.from({ length: 2 * accumulate }, (_, index) => good(index));
          // In the second step: behind its first batch where a step takes two.
          batches.splice(2 * accumulate - 1, 0, batch);
          const seen: number[] = [];
          const run = async (): Promise<void> => {
            for await (const { step } of trainer.steps(batches)) seen.push(step);
          };
          await expectRejection(run(), 'INPUT_INVALID', ...parts);
          expect(seen, 'the step before was handed out').toEqual([1]);
          expect(await loop(trainer, batches)).toEqual([2]);
          expect(await snapshot(trainer)).toEqual(expected);
        });
      }
    });
  });
});

test('batches end, and a list that has ended begins anew', async () => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, { accumulate: 2 }, async (trainer) => {
      const batches = [...once(3)];
      // The last step has one batch only.
      expect(await loop(trainer, batches)).toEqual([1, 2]);
      expect(trainer.batchesUsed).toBe(3);
      expect(await loop(trainer, batches)).toEqual([3, 4]);
      expect(trainer.batchesUsed).toBe(6);
      expect(await loop(trainer, [])).toEqual([]);
      expect(await loop(trainer, () => undefined)).toEqual([]);
      expect(await loop(trainer, batches, { maxSteps: 4 })).toEqual([]);
    });
  });
});

test('a function is asked by number: again for what a loop had read ahead, on from there later', async () => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, { accumulate: 2 }, async (trainer) => {
      const asked: number[] = [];
      const batches = async (index: number): Promise<ModelInputs | undefined> => {
        asked.push(index);
        return index < 7 ? tinyBatch(index) : undefined;
      };
      for await (const { step } of trainer.steps(batches)) if (step === 2) break;
      expect(asked).toEqual([0, 1, 2, 3, 4, 5]);
      asked.length = 0;
      expect(await loop(trainer, batches)).toEqual([3, 4]);
      // Both the second half of step 4 and step 5 want number 7, which is not there.
      expect(asked).toEqual([4, 5, 6, 7, 7]);
      expect(trainer.batchesUsed).toBe(7);
    });
  });
});

test('an error of the caller passes through, after the step before it', async () => {
  await onGpu(async (gpu) => {
    const expected = await undisturbed(gpu, 3);
    await withTrainer(gpu, {}, async (trainer) => {
      const failure = new Error('the file is gone');
      let calls = 0;
      const batches = async (index: number): Promise<ModelInputs> => {
        calls += 1;
        if (calls === 3) throw failure;
        return tinyBatch(index);
      };
      await expect(loop(trainer, batches, { maxSteps: 3 })).rejects.toBe(failure);
      expect(trainer.step).toBe(2);
      expect(await loop(trainer, batches, { maxSteps: 3 })).toEqual([3]);
      expect(await snapshot(trainer)).toEqual(expected);
    });
    await withTrainer(gpu, { accumulate: 2 }, async (trainer) => {
      const failing = async function* (): AsyncGenerator<ModelInputs> {
        yield tinyBatch(0);
        throw new Error('the second of a step');
      };
      const batches = failing();
      await expect(loop(trainer, batches)).rejects.toThrow('the second of a step');
      // The batch before it was read and is not lost.
      expect(await loop(trainer, batches)).toEqual([1]);
      expect(trainer.batchesUsed).toBe(1);
    });
    await withTrainer(gpu, {}, async (trainer) => {
      const body = async (): Promise<void> => {
        for await (const { step } of trainer.steps(tinyBatch))
          if (step === 2) throw new Error('mine');
      };
      await expect(body()).rejects.toThrow('mine');
      expect(await loop(trainer, tinyBatch, { maxSteps: 3 })).toEqual([3]);
      expect(await snapshot(trainer)).toEqual(expected);
    });
  });
});

test('one loop at a time', async () => {
  await onGpu(async (gpu) => {
    const expected = await undisturbed(gpu, 3);
    await withTrainer(gpu, {}, async (trainer) => {
      const target = new MemoryTarget();
      await trainer.save(target);
      for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 3 })) {
        if (step !== 2) continue;
        await expectRejection(loop(trainer, tinyBatch), 'INPUT_INVALID', 'End that loop first');
        await expectRejection(trainer.restore(target.source), 'INPUT_INVALID', 'End that loop');
      }
      expect(await snapshot(trainer)).toEqual(expected);
    });
  });
});

test.each([1, 2])('a disposed trainer ends its loop, %i batches a step', async (accumulate) => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, { accumulate }, async (trainer, model) => {
      const { bytes } = gpu.memory;
      const run = async (): Promise<void> => {
        for await (const { step } of trainer.steps(tinyBatch)) if (step === 2) trainer.dispose();
      };
      await expectRejection(run(), 'DISPOSED', 'trainer');
      expect(trainer.step).toBe(2);
      expect(gpu.memory.bytes).toBeLessThan(bytes);
      await expectRejection(loop(trainer, tinyBatch), 'DISPOSED', 'Make a new one');
      await expectRejection(trainer.evaluate([tinyBatch(0)]), 'DISPOSED');
      const target = new MemoryTarget();
      await expectRejection(trainer.save(target), 'DISPOSED');
      await expectRejection(trainer.saveModel(target), 'DISPOSED');
      await expectRejection(trainer.restore(target.source), 'DISPOSED');
      expect(target.files).toEqual({});
      expect((await model.forward(tinyBatch(0))).loss?.data[0], 'the model stays').toBeGreaterThan(
        0,
      );
    });
    // While the lists of the first step are still being made.
    await withTrainer(gpu, { accumulate }, async (trainer) => {
      const first = trainer.steps(tinyBatch).next();
      await Promise.resolve();
      trainer.dispose();
      await expectRejection(first, 'DISPOSED');
    });
  });
});

test('wrong options of the loop', async () => {
  await onGpu(async (gpu) => {
    await withTrainer(gpu, {}, async (trainer) => {
      const refuse = (options: object, code: 'OPTION_INVALID' | 'OPTION_UNKNOWN', part: string) =>
        expectRejection(loop(trainer, tinyBatch, options), code, part);
      await refuse({ maxStep: 3 }, 'OPTION_UNKNOWN', 'Did you mean "maxSteps"?');
      await refuse({ maxSteps: -1 }, 'OPTION_INVALID', 'maxSteps is -1');
      await refuse({ maxSteps: 1.5 }, 'OPTION_INVALID', 'maxSteps is 1.5');
      const one = tinyBatch(0) as unknown as Batches;
      await expectRejection(loop(trainer, one), 'INPUT_INVALID', 'Put a single batch in [ ]');
      expect(await loop(trainer, tinyBatch, { maxSteps: 1 })).toEqual([1]);
    });
  });
});
