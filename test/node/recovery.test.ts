// What was done to a model is done again when its device is lost and comes back.
import { expect, test } from 'vitest';
import { Gpu, loadModel } from 'webgpu-transformer';
import { distillation, Lora, pruneWeights, Trainer } from 'webgpu-transformer/training';
import { lose, testGpus } from '../support/gpu.ts';
import { type Snapshot, snapshot, tinySource, trainTo } from '../support/training.ts';

const [{ options } = { options: {} }] = await testGpus();
const settings = { learningRate: 0.01, seed: 5 };

test('what is merged is merged again', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  using model = await loadModel(tinySource(), { gpu });
  const logits = async (): Promise<Float32Array | undefined> =>
    (await model.forward({ inputIds: [[3, 4]], decoderInputIds: [[0, 3]] })).logits?.data;
  const plain = await logits();
  const lora = new Lora(model, { rank: 2 });
  const trainer = new Trainer(model, { ...settings, learningRate: 0.5, adapter: lora });
  await trainTo(trainer, 1);
  await lora.merge();
  const merged = await logits();
  expect(merged).not.toEqual(plain);
  await lose(gpu);
  expect(await logits()).toEqual(merged);
  expect(lora.isMerged).toBe(true);
  await lora.unmerge();
  expect(await logits()).toEqual(plain);
  // Nothing was saved: as it was drawn.
  await trainTo(trainer, 1);
  await lora.merge();
  expect(await logits()).toEqual(merged);
  await lora.unmerge();

  // What is merged for good stays so, and what is not stays away.
  const another = new Lora(model, { rank: 1, seed: 8, targets: ['*.fc1'] });
  const other = new Trainer(model, { ...settings, adapter: another });
  await trainTo(other, 1);
  await another.merge();
  const last = await logits();
  expect(last).not.toEqual(plain);
  for (const one of [trainer, other, lora, another]) one.dispose();
  await lose(gpu);
  expect(await logits()).toEqual(last);
  model.dispose();
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
});

test('what was pruned stays so', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const load = () => loadModel(tinySource(), { gpu, training: true });
  using model = await load();
  using trainer = new Trainer(model, settings);
  const zeros = async (): Promise<number> =>
    (await snapshot(trainer)).parameters.flat().filter((word) => word === 0).length;
  const before = await zeros();
  await pruneWeights(trainer, { sparsity: 0.5 });
  const left = trainer.trainableParameters;
  await trainTo(trainer, 1);
  const pruned = await zeros();
  expect(pruned).toBeGreaterThan(before + 100);
  // Of a model alone, too.
  using other = await load();
  const { mask } = await pruneWeights(other, { sparsity: 0.5 });
  const inputs = { inputIds: [[3, 4]], decoderInputIds: [[0, 3]] };
  const wanted = (await other.forward(inputs)).logits;
  await lose(gpu);
  await trainTo(trainer, 1);
  expect(await zeros()).toBe(pruned);
  expect(trainer.trainableParameters).toBe(left);
  expect((await other.forward(inputs)).logits).toEqual(wanted);
  using late = new Trainer(other, settings);
  await mask.keepIn(late);
  expect(late.trainableParameters).toBe(left);
});

test('a teacher comes back with its student', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  using teacher = await loadModel(tinySource(2), { gpu });
  const train = async (loses: boolean): Promise<Snapshot> => {
    using model = await loadModel(tinySource(), { gpu, training: true });
    using trainer = new Trainer(model, { ...settings, objective: distillation(teacher) });
    await trainTo(trainer, 1);
    if (loses) await lose(gpu);
    await trainTo(trainer, 2);
    return snapshot(trainer);
  };
  const unbroken = await train(false);
  expect(await train(true)).toEqual(unbroken);
});
