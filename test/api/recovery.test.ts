// Devices that are lost and opened again: calls under way reject once, the next ones wait and work.
import { expect, test, vi } from 'vitest';
import { Gpu, loadModel, pipeline, type Source } from 'webgpu-transformer';
import { expectRejection } from '../support/rejection.ts';
import { lose, testGpus } from '../support/gpu.ts';
import { fixtureSource, memorySource } from '../support/source.ts';
import { expectedCalls, taskFiles } from '../support/tasks.ts';

const [{ options } = { options: {} }] = await testGpus();
const inputs = { inputIds: [[26, 62, 19, 79, 74, 59]] };
const greedy = { numBeams: 1, maxNewTokens: 12 };

const told = (gpu: Gpu): string[] => {
  const events: string[] = [];
  for (const type of ['lost', 'restored', 'failed']) {
    gpu.addEventListener(type, () => void events.push(type));
  }
  return events;
};

test('a model goes on from its source, whenever its device is lost', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const events = told(gpu);
  let reads = 0;
  const marian = fixtureSource('marian');
  const source: Source = { ...marian, read: (...args) => (reads++, marian.read(...args)) };
  const controller = new AbortController();
  const model = await loadModel(source, { gpu, signal: controller.signal });
  const wanted = await model.generate(inputs, greedy);
  // What held for the load holds no more for what is done later.
  controller.abort();
  const before = reads;
  const stream = model.stream(inputs, greedy);
  await stream.next();
  const under = Promise.allSettled([model.generate(inputs, greedy), stream.next()]);
  await lose(gpu);
  for (const result of await under) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'DEVICE_LOST' });
  }
  const next = [model.generate(inputs, greedy), model.generate(inputs, greedy)];
  for (const { sequences } of await Promise.all(next)) expect(sequences).toEqual(wanted.sequences);
  expect(reads).toBeGreaterThan(before);
  expect(events).toEqual(['lost', 'restored']);
  const { logits } = await model.forward({ ...inputs, decoderInputIds: wanted.sequences });
  expect(logits?.data.every(Number.isFinite)).toBe(true);
  model.dispose();
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
  await expectRejection(model.forward(inputs), 'DISPOSED');
});

test('a task goes on, too', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const [call] = (await expectedCalls()).filter(({ task }) => task === 'text-classification');
  const source = memorySource(await taskFiles(call!.model));
  using classify = await pipeline('text-classification', source, { gpu });
  const wanted = await classify('in 3 days');
  await lose(gpu);
  expect(await classify('in 3 days')).toEqual(wanted);
});

test('a device that is lost again and again is given up', async () => {
  using gpu = await Gpu.request({ ...options, recover: true });
  const events = told(gpu);
  const model = await loadModel(fixtureSource('marian'), { gpu });
  for (let round = 0; round < 4; round++) {
    await lose(gpu);
    await vi.waitFor(() =>
      expect(events.filter((type) => type === 'restored')).toHaveLength(round + 1),
    );
  }
  await lose(gpu);
  await vi.waitFor(() => expect(events.at(-1)).toBe('failed'));
  await expectRejection(model.generate(inputs, greedy), 'DEVICE_LOST', 'not opened again');
  // A caller may still try.
  await gpu.restore();
  expect((await model.generate(inputs, greedy)).sequences).toHaveLength(1);
  model.dispose();
});

test('a Gpu that is disposed meanwhile stays so', async () => {
  const gpu = await Gpu.request({ ...options, recover: true });
  const model = await loadModel(fixtureSource('marian'), { gpu });
  await lose(gpu);
  gpu.dispose();
  await expectRejection(model.generate(inputs, greedy), 'DEVICE_LOST', 'disposed');
  model.dispose();
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
});

test('without the option a lost device stays lost', async () => {
  using gpu = await Gpu.request(options);
  const events = told(gpu);
  using model = await loadModel(fixtureSource('marian'), { gpu });
  await lose(gpu);
  await expectRejection(model.generate(inputs, greedy), 'DEVICE_LOST', 'gpu.restore()');
  expect(events).toEqual([]);
  expect(gpu.recovers).toBe(false);
});
