// A run whose device is lost goes on from where it was saved last, to the same numbers.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Source } from 'webgpu-transformer';
import { loadLora, Lora, Trainer } from 'webgpu-transformer/training';
import { lose, testGpus } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, snapshot, tinyBatch, tinySource, trainTo } from '../support/training.ts';

const [{ options } = { options: {} }] = await testGpus();
const settings = { learningRate: 0.01, seed: 5 };

test('a run goes on from its last save, or from its beginning', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const load = () => loadModel(tinySource(), { gpu, training: true });
  const whole = await load();
  const unbroken = new Trainer(whole, settings);
  await trainTo(unbroken, 6);
  const wanted = await snapshot(unbroken);
  unbroken.dispose();
  whole.dispose();

  const model = await load();
  const trainer = new Trainer(model, settings);
  const loop = trainer.steps(tinyBatch, { maxSteps: 6 });
  await loop.next();
  await lose(gpu);
  await expectRejection(async () => {
    for (;;) if ((await loop.next()).done === true) return;
  }, 'DEVICE_LOST');
  // Nothing was saved.
  await trainTo(trainer, 4);
  expect(trainer.step).toBe(4);
  await trainer.save(new MemoryTarget());
  await trainTo(trainer, 5);
  await lose(gpu);
  const { loss } = await trainer.evaluate([tinyBatch(9)]);
  expect(Number.isFinite(loss)).toBe(true);
  expect(trainer.step).toBe(4);
  await trainTo(trainer, 6);
  expect(await snapshot(trainer)).toEqual(wanted);
  trainer.dispose();
  model.dispose();
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
});

test('a save that cannot be read is read at the next call', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const saved = new MemoryTarget();
  let fails = false;
  const source: Source = {
    ...saved.source,
    read: (...args) => (fails ? Promise.reject(new Error('busy')) : saved.source.read(...args)),
    size: (file) => saved.source.size?.(file) ?? Promise.resolve(undefined),
  };
  using model = await loadModel(tinySource(), { gpu, training: true });
  using trainer = new Trainer(model, settings);
  await trainTo(trainer, 2);
  await trainer.save(saved);
  await trainer.restore(source);
  await lose(gpu);
  await gpu.recovered();
  expect(() => new Trainer(model, settings)).toThrow('loads it again');
  fails = true;
  await expectRejection(trainTo(trainer, 3), 'FILE_UNREADABLE', 'busy');
  fails = false;
  const { loss } = await trainer.evaluate([tinyBatch(9)]);
  expect(Number.isFinite(loss)).toBe(true);
  expect(trainer.step).toBe(2);
});

test('an adapter goes on from its last save, or from its beginning', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  using model = await loadModel(tinySource(), { gpu });
  const adapter = new MemoryTarget();
  const wanted = await (async () => {
    using lora = new Lora(model, { rank: 2, seed: 3 });
    await lora.save(adapter);
    using trainer = new Trainer(model, { ...settings, adapter: lora });
    await trainTo(trainer, 3);
    return snapshot(trainer);
  })();
  using lora = await loadLora(model, adapter.source);
  using trainer = new Trainer(model, { ...settings, adapter: lora });
  await trainTo(trainer, 1);
  await lose(gpu);
  await expectRejection(lora.files(), 'DEVICE_LOST');
  await gpu.recovered();
  await expectRejection(lora.merge(), 'DEVICE_LOST', 'takes it up again');
  await trainTo(trainer, 2);
  await trainer.save(new MemoryTarget());
  await trainTo(trainer, 3);
  await lose(gpu);
  await trainTo(trainer, 3);
  expect(await snapshot(trainer)).toEqual(wanted);
});
