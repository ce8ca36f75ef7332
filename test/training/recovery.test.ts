// A run whose device is lost goes on from where it was saved last, to the same numbers.
import { expect, test } from 'vitest';
import { Gpu, loadModel } from 'webgpu-transformer';
import { Lora, Trainer } from 'webgpu-transformer/training';
import { testGpus } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { MemoryTarget, snapshot, tinyBatch, tinySource, trainTo } from '../support/training.ts';

const [{ options } = { options: {} }] = await testGpus();
async function lose({ device }: Gpu): Promise<void> {
  device.destroy();
  await device.lost;
}

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

test('adapters say what to do', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  using model = await loadModel(tinySource(), { gpu });
  using lora = new Lora(model, { rank: 2 });
  using trainer = new Trainer(model, { ...settings, adapter: lora });
  await trainTo(trainer, 1);
  await lose(gpu);
  await expectRejection(trainTo(trainer, 2), 'DEVICE_LOST', 'Make it and its trainer again');
});
