// A save that is cut off anywhere leaves a run that goes on, and a folder that can be made whole.
import { expect, test } from 'vitest';
import { loadModel, type Source, TransformerError } from 'webgpu-transformer';
import { completeRun, type Target, Trainer } from 'webgpu-transformer/training';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { MemoryTarget, snapshot, trainTo, withTrainer } from '../support/training.ts';

const onGpu = sharedGpu();

/** A folder in memory whose disk is full after so many writes. */
class FullTarget extends MemoryTarget {
  left: number;

  constructor(left: number) {
    super();
    this.left = left;
  }

  override async write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.left-- <= 0) throw new TransformerError('FILE_UNWRITABLE', 'The disk is full.');
    await super.write(file, bytes);
  }
}

const folderOf = (target: MemoryTarget): Source & Target => ({
  ...memorySource(target.files),
  write: (file, bytes) => target.write(file, bytes),
});

test('a disk that is full at any write leaves the state, which is enough', () =>
  onGpu(async (gpu) => {
    const whole = new MemoryTarget();
    const wanted = await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 2);
      expect(trainer.savedStep).toBeUndefined();
      await trainer.save(whole);
      expect(trainer.savedStep).toBe(2);
      return snapshot(trainer);
    });
    const names = Object.keys(whole.files);
    expect(names[0]).toBe('training_state.safetensors');
    for (let writes = 0; writes < names.length; writes++) {
      const target = new FullTarget(writes);
      await withTrainer(gpu, {}, async (trainer) => {
        await trainTo(trainer, 2);
        await expectRejection(trainer.save(target), 'FILE_UNWRITABLE');
        expect(trainer.savedStep).toBe(writes === 0 ? undefined : 2);
      });
      target.left = Infinity;
      if (writes === 0) {
        await expectRejection(completeRun(folderOf(target)), 'FILE_NOT_FOUND', 'training_state');
        continue;
      }
      expect(await completeRun(folderOf(target))).toEqual(names.slice(writes));
      expect(target.files, `after ${writes} writes`).toEqual(whole.files);
      expect(await completeRun(folderOf(target))).toEqual([]);
      using model = await loadModel(target.source, { gpu, training: true });
      using trainer = new Trainer(model, { learningRate: 0.01, seed: 5 });
      await trainer.restore(target.source);
      expect(await snapshot(trainer)).toEqual(wanted);
      expect(trainer.savedStep).toBe(2);
    }
  }));

test('files that are broken are written anew, others are left alone', () =>
  onGpu(async (gpu) => {
    const target = new MemoryTarget();
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 1);
      await trainer.save(target);
    });
    const whole = { ...target.files };
    const own = new TextEncoder().encode('{"model_type": "marian", "mine": true}');
    target.files['config.json'] = own;
    target.files['model.safetensors'] = whole['model.safetensors']!.slice(0, 100);
    expect(await completeRun(folderOf(target))).toEqual(['model.safetensors']);
    expect(target.files).toEqual({ ...whole, 'config.json': own });
    target.files['training_state.safetensors'] = whole['training_state.safetensors']!.slice(0, 90);
    await expectRejection(completeRun(folderOf(target)), 'FILE_TRUNCATED');
  }));

test('a step that is none is refused', () =>
  onGpu(async (gpu) => {
    const target = new MemoryTarget();
    await withTrainer(gpu, {}, async (trainer) => {
      await trainTo(trainer, 1);
      await trainer.save(target);
      const file = 'training_state.safetensors';
      const text = new TextDecoder('latin1').decode(target.files[file]);
      for (const step of ['-5', '1.5', '1e9999', 'null']) {
        const wrong = text.replace('\\"step\\":1,', `\\"step\\":${step},`);
        expect(wrong).not.toBe(text);
        const bytes = Uint8Array.from(wrong, (letter) => letter.codePointAt(0)!);
        const length = bytes.length - text.length;
        const view = new DataView(bytes.buffer);
        view.setBigUint64(0, view.getBigUint64(0, true) + BigInt(length), true);
        const source = memorySource({ ...target.files, [file]: bytes });
        await expectRejection(trainer.restore(source), 'FILE_INVALID', 'how far its run was');
      }
    });
  }));
