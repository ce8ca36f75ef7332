// A run is its numbers: two runs are equal bit for bit, and so is one that was saved and taken up again.

import { adam, sgd, type TrainerOptions } from 'webgpu-transformer/training';
import { describe, expect, test } from 'vitest';
import { sharedGpu, testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile } from '../support/safetensors.ts';
import {
  MemoryTarget,
  poison,
  snapshot,
  tinyBatch,
  trainTo,
  withTrainer,
} from '../support/training.ts';
import { memorySource, readValues } from '../support/source.ts';

const onGpu = sharedGpu();

const runs: [name: string, options: Partial<TrainerOptions>][] = [
  ['AdamW', {}],
  ['Adam with AMSGrad', { optimizer: adam({ amsgrad: true, weightDecay: 0.1 }) }],
  ['SGD with momentum', { optimizer: sgd({ momentum: 0.9, nesterov: true }), learningRate: 0.1 }],
  ['SGD without states', { optimizer: sgd(), learningRate: 0.1 }],
  ['two batches a step', { accumulate: 2, maxGradNorm: 0.5 }],
  ['frozen embeddings', { freeze: ['model.shared.*'], labelSmoothing: 0.1 }],
];

test.each(await testGpus())('two runs are equal bit for bit, on $name', async ({ options }) => {
  await withGpu(options, async (gpu) => {
    const run = (seed: number) =>
      withTrainer(gpu, { seed }, async (trainer) => {
        await trainTo(trainer, 4);
        return snapshot(trainer);
      });
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect((await run(6)).parameters, 'another seed').not.toEqual(first.parameters);
  });
});

describe('four steps, saved, and four more are eight', () => {
  test.each(runs)('%s', async (_, options) => {
    await onGpu(async (gpu) => {
      const target = new MemoryTarget();
      const whole = await withTrainer(gpu, options, async (trainer) => {
        await trainTo(trainer, 8);
        return snapshot(trainer);
      });
      const half = await withTrainer(gpu, options, async (trainer) => {
        await trainTo(trainer, 4);
        await trainer.save(target);
        return snapshot(trainer);
      });
      expect(half.parameters).not.toEqual(whole.parameters);
      await withTrainer(gpu, options, async (trainer) => {
        await trainer.restore(target.source);
        expect(await snapshot(trainer)).toEqual(half);
        await trainTo(trainer, 8);
        expect(await snapshot(trainer)).toEqual(whole);
      });
    });
  });
});

test('a run that skipped a step goes on from its counters', async () => {
  await onGpu(async (gpu) => {
    const target = new MemoryTarget();
    const whole = await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 2);
      const heal = await poison(trainer);
      await trainTo(trainer, 3);
      await heal();
      await trainTo(trainer, 4);
      await trainer.save(target);
      await trainTo(trainer, 8);
      return snapshot(trainer);
    });
    // Seven updates applied, one skipped, none skipped in a row.
    expect(whole.counters).toEqual([7, 1, 0, 0]);
    await withTrainer(gpu, {}, async (trainer) => {
      await trainer.restore(target.source);
      await trainTo(trainer, 8);
      expect(await snapshot(trainer)).toEqual(whole);
    });
  });
});

test('what is saved in the loop is the step in hand, even when the loop goes on meanwhile', async () => {
  await onGpu(async (gpu) => {
    const [inLoop, meanwhile, after] = [new MemoryTarget(), new MemoryTarget(), new MemoryTarget()];
    const options = { accumulate: 2 };
    await withTrainer(gpu, options, async (trainer) => {
      let saved = Promise.resolve();
      for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 6 })) {
        if (step !== 3) continue;
        await trainer.save(inLoop);
        saved = trainer.save(meanwhile);
      }
      await saved;
    });
    await withTrainer(gpu, options, async (trainer) => {
      await trainTo(trainer, 3);
      await trainer.save(after);
    });
    expect(Object.keys(after.files).toSorted()).toEqual([
      'config.json',
      'model.safetensors',
      'training_state.safetensors',
    ]);
    for (const [file, bytes] of Object.entries(after.files)) {
      expect(inLoop.files[file], `${file}, saved in the loop`).toEqual(bytes);
      expect(meanwhile.files[file], `${file}, saved meanwhile`).toEqual(bytes);
    }
  });
});

test('restore refuses what does not fit and changes nothing', async () => {
  await onGpu(async (gpu) => {
    const target = new MemoryTarget();
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 2);
      await trainer.save(target);
    });
    const { source, files } = target;
    const state = files['training_state.safetensors']!;
    const other: [Partial<TrainerOptions>, string[]][] = [
      [{ optimizer: adam() }, ['"adam"', '"adamW"', 'same settings']],
      [{ optimizer: sgd({ momentum: 0.9 }) }, ['"sgd"', '"adamW"']],
      [{ seed: 6 }, ['seed 5', 'and 6']],
    ];
    for (const [options, parts] of other) {
      await withTrainer(gpu, options, async (trainer) => {
        const before = await snapshot(trainer);
        await expectRejection(trainer.restore(source), 'OPTION_INVALID', ...parts);
        expect(await snapshot(trainer)).toEqual(before);
      });
    }
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 1);
      const before = await snapshot(trainer);
      const refuse = async (file: Uint8Array<ArrayBuffer>, code: string, ...parts: string[]) => {
        const broken = memorySource({ 'training_state.safetensors': file });
        await expectRejection(trainer.restore(broken), code as 'FILE_INVALID', ...parts);
        expect(await snapshot(trainer), `after ${code}`).toEqual(before);
      };
      await expectRejection(trainer.restore(memorySource({})), 'FILE_NOT_FOUND', 'training_state');
      await refuse(state.slice(0, state.length - 100), 'FILE_TRUNCATED');
      const text = new TextDecoder('latin1').decode(state);
      const changed = (from: string, to: string): Uint8Array<ArrayBuffer> => {
        expect(text).toContain(from);
        expect(to).toHaveLength(from.length);
        return Uint8Array.from(text.replace(from, to), (letter) => letter.charCodeAt(0));
      };
      // A state comes behind the parameters: nothing of those may be there when it fails.
      await refuse(changed('"v.model.shared', '"v.model.shaved'), 'TENSOR_MISSING', 'model.shared');
      await refuse(changed('"shape":[19,8]', '"shape":[8,19]'), 'TENSOR_MISMATCH', '(8, 19)');
      await refuse(
        changed('"counters":{"dtype":"U32"', '"counters":{"dtype":"F32"'),
        'TENSOR_MISMATCH',
      );
      await refuse(changed('"counters"', '"counterz"'), 'TENSOR_MISMATCH', 'counterz');
      await refuse(changed(String.raw`{\"step\"`, String.raw`{\"stop\"`), 'FILE_INVALID');
      await refuse(changed(String.raw`{\"step\":2`, String.raw`{\"step\"22`), 'FILE_INVALID');
      await refuse(safetensorsFile({}), 'FILE_INVALID', 'not written by a trainer');

      await trainer.restore(source);
      expect(trainer.step).toBe(2);
      expect((await snapshot(trainer)).parameters).not.toEqual(before.parameters);
    });
  });
});

test('a state file holds the parameters and every state by the names of the checkpoint', async () => {
  await onGpu(async (gpu) => {
    const target = new MemoryTarget();
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 3);
      await trainer.save(target);
    });
    const state = readValues(target.files['training_state.safetensors']!);
    const model = readValues(target.files['model.safetensors']!);
    for (const [name, { shape, data }] of model) {
      if (name === 'final_logits_bias') {
        expect(state.get(`constants.${name}`)).toEqual({ shape, data });
        continue;
      }
      expect(state.get(`parameters.${name}`), `tensor ${name}`).toEqual({ shape, data });
      for (const group of ['m', 'v']) expect(state.get(`${group}.${name}`)?.shape).toEqual(shape);
    }
    expect(state.size).toBe(3 * (model.size - 1) + 1);
    const largest = (name: string): number => Math.max(...state.get(name)!.data);
    expect(largest('m.model.shared.weight')).toBeGreaterThan(0);
    expect(largest('v.model.shared.weight')).toBeGreaterThan(0);
  });
});
