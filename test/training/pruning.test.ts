// Magnitude pruning: what goes, that it stays away, and what that does to a translator.
import { loadModel } from 'webgpu-transformer';
import { adamW, pruneWeights, sgd, Trainer } from 'webgpu-transformer/training';
import { expect, test } from 'vitest';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import {
  countRight,
  phraseBatch,
  somePhrases,
  trainableTranslator,
} from '../support/translator.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, tinyModel, tinySource, trainTo, withTrainer } from '../support/training.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

type Values = Awaited<ReturnType<typeof readParameters>>;

/** The values of the trainer's model, by the names of the checkpoint. */
const valuesOf = ({ gpu, state }: Trainer): Promise<Values> =>
  readParameters(gpu, state.parameters);

const isMatrix = (values: Values, name: string): boolean =>
  values.get(name)!.shape.every((size) => size > 1) && values.get(name)!.shape.length > 1;

/** Names and places of all zeros. */
function zerosOf(values: Values, names: Iterable<string>): string[] {
  return [...names].flatMap((name) =>
    [...values.get(name)!.data].flatMap((value, i) => (value === 0 ? [`${name}[${i}]`] : [])),
  );
}

test('the smallest weights of each matrix go', () =>
  withGpu(usual, (gpu) =>
    withTrainer(gpu, {}, async (trainer) => {
      const before = await valuesOf(trainer);
      const { tensors } = await pruneWeights(trainer, { sparsity: 0.3 });
      const after = await valuesOf(trainer);
      const names = [...before.keys()].filter((name) => isMatrix(before, name));
      expect(tensors.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
      for (const { name, kept, removed, threshold } of tensors) {
        const [was, is] = [before.get(name)!.data, after.get(name)!.data];
        expect(removed, `tensor ${name}`).toBe(Math.round(0.3 * was.length));
        expect(kept + removed, `tensor ${name}`).toBe(was.length);
        was.forEach((value, i) => {
          const goes = Math.abs(value) <= threshold;
          expect(is[i], `${name}[${i}]`).toBe(goes ? 0 : value);
        });
        expect(is.filter((value) => value === 0).length, `tensor ${name}`).toBe(removed);
      }
      for (const [name, { data }] of before) {
        if (!names.includes(name)) expect(after.get(name)!.data, `tensor ${name}`).toEqual(data);
      }
    }),
  ));

test('over all tensors there is one threshold; targets are chosen by name', () =>
  withGpu(usual, (gpu) =>
    withTrainer(gpu, {}, async (trainer) => {
      const before = await valuesOf(trainer);
      const targets = ['*.fc1.weight', /shared/];
      const { tensors } = await pruneWeights(trainer, { sparsity: 0.5, targets, scope: 'global' });
      const after = await valuesOf(trainer);
      expect(tensors.map(({ name }) => name).toSorted()).toEqual([
        'model.decoder.layers.0.fc1.weight',
        'model.encoder.layers.0.fc1.weight',
        'model.shared.weight',
      ]);
      const all = tensors.flatMap(({ name }) => [...before.get(name)!.data].map(Math.abs));
      const threshold = Math.max(...tensors.map((one) => one.threshold));
      const removed = tensors.reduce((sum, one) => sum + one.removed, 0);
      expect(removed).toBe(Math.round(all.length / 2));
      expect(all.filter((value) => value <= threshold).length).toBe(removed);
      // Tensors of other scales lose other parts.
      const parts = tensors.map((one) => one.removed / (one.kept + one.removed));
      expect(Math.max(...parts) - Math.min(...parts)).toBeGreaterThan(0.1);
      const chosen = tensors.map(({ name }) => name);
      expect(zerosOf(after, chosen)).toHaveLength(removed);
      for (const [name, { data }] of before) {
        if (!chosen.includes(name)) expect(after.get(name)!.data, `tensor ${name}`).toEqual(data);
      }
    }),
  ));

test('of equal magnitudes the first ones go, and nothing goes at 0', () =>
  withGpu(usual, (gpu) =>
    withTrainer(gpu, {}, async (trainer) => {
      const before = await valuesOf(trainer);
      const none = await pruneWeights(trainer, { sparsity: 0 });
      for (const { removed, threshold } of none.tensors)
        expect([removed, threshold]).toEqual([0, 0]);
      expect(await valuesOf(trainer)).toEqual(before);
      // Norms begin as ones.
      const name = 'model.encoder.layers.0.final_layer_norm.weight';
      const { tensors } = await pruneWeights(trainer, { sparsity: 0.375, targets: [name] });
      expect(tensors).toEqual([{ name, kept: 5, removed: 3, threshold: 1 }]);
      const after = await valuesOf(trainer);
      expect([...after.get(name)!.data]).toEqual([0, 0, 0, 1, 1, 1, 1, 1]);
    }),
  ));

test('zeros stay zero, pruned before there is a trainer or during a run', () =>
  withGpu(usual, async (gpu) => {
    for (const isEarly of [true, false]) {
      const model = await tinyModel(gpu);
      const early = isEarly && (await pruneWeights(model, { sparsity: 0.4 }));
      // Weight decay and momentum would both move an element whose gradient is gone.
      const optimizer = adamW({ weightDecay: 0.1 });
      const trainer = new Trainer(model, { learningRate: 0.01, optimizer, decay: 'all' });
      const all = trainer.trainableParameters;
      if (early === false) await trainTo(trainer, 2);
      else await early.mask.keepIn(trainer);
      const pruned = early === false ? await pruneWeights(trainer, { sparsity: 0.4 }) : early;
      const names = pruned.tensors.map(({ name }) => name);
      const removed = pruned.tensors.reduce((sum, one) => sum + one.removed, 0);
      expect(trainer.trainableParameters).toBe(all - removed);
      const before = await valuesOf(trainer);
      await trainTo(trainer, trainer.step + 4);
      const after = await valuesOf(trainer);
      const zeros = zerosOf(before, names);
      expect(zeros).toHaveLength(removed);
      expect(zerosOf(after, names)).toEqual(zeros);
      for (const name of names) {
        const moved = after
          .get(name)!
          .data.filter((value, i) => value !== before.get(name)!.data[i]);
        expect(moved.length, `tensor ${name}`).toBeGreaterThan(0.5 * before.get(name)!.data.length);
      }
      // More later on: the mask of before goes on.
      const more = await pruneWeights(trainer, { sparsity: 0.6 });
      expect(trainer.trainableParameters).toBe(
        all - more.tensors.reduce((sum, one) => sum + one.removed, 0),
      );
      await trainTo(trainer, trainer.step + 2);
      const last = new Set(zerosOf(await valuesOf(trainer), names));
      expect(zeros.every((zero) => last.has(zero))).toBe(true);
      trainer.dispose();
      model.dispose();
    }
  }));

test('a pruned model is saved with its zeros, and its run taken up again with the same mask', () =>
  withGpu(usual, async (gpu) => {
    const folder = new MemoryTarget();
    const options = { sparsity: 0.4, scope: 'global' } as const;
    const before = await withTrainer(gpu, {}, async (trainer) => {
      await pruneWeights(trainer, options);
      await trainTo(trainer, 3);
      await trainer.save(folder);
      return valuesOf(trainer);
    });
    await withTrainer(gpu, {}, async (trainer) => {
      await trainer.restore(folder.source);
      const { tensors } = await pruneWeights(trainer, options);
      expect(await valuesOf(trainer)).toEqual(before);
      expect(Math.max(...tensors.map(({ threshold }) => threshold))).toBe(0);
      await trainTo(trainer, 5);
      const names = tensors.map(({ name }) => name);
      expect(zerosOf(await valuesOf(trainer), names)).toEqual(zerosOf(before, names));
    });
    const loaded = await loadModel(folder.source, { gpu, training: true });
    const again = new Trainer(loaded, { learningRate: 0.01, optimizer: sgd() });
    expect(await valuesOf(again)).toEqual(before);
    again.dispose();
    loaded.dispose();
  }));

test('what cannot be pruned is refused', () =>
  withGpu(usual, async (gpu) => {
    const model = await tinyModel(gpu);
    const refused = (options: object, ...parts: string[]): Promise<void> =>
      expectRejection(
        pruneWeights(model, options as { sparsity: number }),
        'OPTION_INVALID',
        ...parts,
      );
    await refused({ sparsity: 1 }, 'sparsity is 1', 'below 1');
    await refused({ sparsity: -0.1 }, 'sparsity is -0.1');
    await refused({ sparsity: 0.5, targets: ['*.fc3.weight'] }, 'targets', '*.fc3.weight');
    await refused({ sparsity: 0.5, scope: 'all' }, '"all"', '"global"');
    await expectRejection(
      pruneWeights(model, { sparsity: 0.5, scop: 'global' } as { sparsity: number }),
      'OPTION_UNKNOWN',
      'scop',
      'scope',
    );
    const running = await loadModel(tinySource(), { gpu });
    await expectRejection(
      pruneWeights(running, { sparsity: 0.5 }),
      'OPTION_INVALID',
      'training: true',
    );
    const { mask } = await pruneWeights(model, { sparsity: 0.5 });
    await withTrainer(gpu, {}, (trainer) =>
      expectRejection(mask.keepIn(trainer), 'OPTION_INVALID', 'another model'),
    );
    running.dispose();
    model.dispose();
  }));

test('a translator does without a fifth of its weights, not without nearly all of them', () =>
  withGpu(usual, async (gpu) => {
    using translate = await trainableTranslator(gpu);
    const phrases = somePhrases(31, 12);
    const { model } = translate;
    const before = await countRight(translate, phrases);
    expect(before).toBeGreaterThanOrEqual(11);
    await pruneWeights(model, { sparsity: 0.2 });
    expect(await countRight(translate, phrases)).toBeGreaterThanOrEqual(before - 1);
    await pruneWeights(model, { sparsity: 0.95 });
    expect(await countRight(translate, phrases.slice(0, 5))).toBe(0);
  }));

test('some steps of training make up for weights that are gone', () =>
  withGpu(usual, async (gpu) => {
    using translate = await trainableTranslator(gpu);
    const batches = Array.from({ length: 10 }, (_, i) =>
      phraseBatch(translate, somePhrases(40 + i, 4)),
    );
    const unseen = [phraseBatch(translate, somePhrases(50, 6))];
    const trainer = new Trainer(translate.model, { learningRate: 1e-3 });
    const { loss: whole } = await trainer.evaluate(unseen);
    const { tensors } = await pruneWeights(trainer, { sparsity: 0.6 });
    const { loss: pruned } = await trainer.evaluate(unseen);
    await trainTo(trainer, 10, (index) => batches[index % batches.length]);
    const { loss: trained } = await trainer.evaluate(unseen);
    expect(pruned).toBeGreaterThan(2 * whole);
    expect(trained).toBeLessThan(whole + (pruned - whole) / 2);
    const zeros = zerosOf(
      await valuesOf(trainer),
      tensors.map(({ name }) => name),
    );
    expect(zeros.length).toBe(tensors.reduce((sum, { removed }) => sum + removed, 0));
    trainer.dispose();
  }));
