// The life of a model: loading, cancelling, ending, and what is left in GPU memory.
import { expect, test } from 'vitest';
import {
  type FileProgress,
  Gpu,
  loadModel,
  type LoadOptions,
  type Model,
  pipeline,
  type Source,
} from 'webgpu-transformer';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
const source = fixtureSource('marian');
const inputs = { inputIds: [[26, 62, 19, 79, 74, 59]], attentionMask: [[1, 1, 1, 1, 1, 1]] };
const target = { ...inputs, decoderInputIds: [[111, 43, 8]] };
const greedy = { numBeams: 1, maxNewTokens: 12 };
const wanted = [[111, 43, 8, 37, 85, 9, 96, 38, 100, 102, 44, 27, 0]];

const load = (gpu: Gpu, options: LoadOptions = {}): Promise<Model> =>
  loadModel(source, { gpu, ...options });

/** The source, telling before each read; what `tell` does happens while files are on their way. */
function telling(tell: (count: number) => void): Source {
  let count = 0;
  return {
    ...source,
    read: async (file, range, signal) => {
      tell(++count);
      return source.read(file, range, signal);
    },
  };
}

test('progress reaches the total of every file', () =>
  withGpu(usual, async (gpu) => {
    const seen: FileProgress[] = [];
    using model = await load(gpu, { onProgress: (progress) => seen.push(progress) });
    expect(model.gpu).toBe(gpu);
    expect(seen.length).toBeGreaterThan(1);
    const { file, total } = seen.at(-1)!;
    expect(file).toBe('model.safetensors');
    const loaded = seen.map((progress) => progress.loaded);
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
    expect(loaded.at(-1)).toBe(total);
    expect(seen.every((progress) => progress.total === total && progress.file === file)).toBe(true);
    const { 'model.safetensors': stored } = await fixtureFiles('marian');
    expect(total).toBeLessThan(stored!.length);
    expect(total).toBeGreaterThan(0.9 * stored!.length);
  }));

test('a load that is aborted leaves nothing behind', () =>
  withGpu(usual, async (gpu) => {
    await expectRejection(load(gpu, { signal: AbortSignal.abort() }), 'ABORTED');
    let reads = 0;
    (
      await loadModel(
        telling(() => reads++),
        { gpu },
      )
    ).dispose();
    expect(reads).toBeGreaterThan(3);
    for (let stop = 1; stop <= reads; stop++) {
      const controller = new AbortController();
      const aborting = telling((count) => {
        if (count === stop) controller.abort(new Error('changed my mind'));
      });
      const { signal } = controller;
      await expectRejection(loadModel(aborting, { gpu, signal }), 'ABORTED');
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    }
    // While weights arrive, and after the last of them.
    for (const part of [0, 1]) {
      const controller = new AbortController();
      const onProgress = ({ loaded, total }: FileProgress): void => {
        if (loaded >= part * total) controller.abort();
      };
      await expectRejection(load(gpu, { signal: controller.signal, onProgress }), 'ABORTED');
      expect(gpu.memory.buffers).toBe(0);
    }
    // The reason stays with the error, and a caller's own failure in onProgress is not swallowed.
    const reason = new Error('the tab was closed');
    const aborted = load(gpu, { signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    const failing = load(gpu, {
      onProgress: () => {
        throw new RangeError('progress bar');
      },
    });
    await expect(failing).rejects.toThrow('progress bar');
    expect(gpu.memory.buffers).toBe(0);
  }));

test('an aborted call leaves the model usable', () =>
  withGpu(usual, async (gpu) => {
    using model = await load(gpu);
    const aborted = AbortSignal.abort();
    await expectRejection(model.forward(target, { signal: aborted }), 'ABORTED');
    await expectRejection(model.generate(inputs, { ...greedy, signal: aborted }), 'ABORTED');
    await expectRejection(model.stream(inputs, { ...greedy, signal: aborted }).next(), 'ABORTED');

    const soon = new AbortController();
    const forward = model.forward(target, { signal: soon.signal });
    const generate = model.generate(inputs, { ...greedy, signal: soon.signal });
    soon.abort();
    // Both at once: whichever fails first must not stand unheeded meanwhile.
    await Promise.all([expectRejection(forward, 'ABORTED'), expectRejection(generate, 'ABORTED')]);

    const controller = new AbortController();
    const steps: number[] = [];
    const consume = async (): Promise<void> => {
      for await (const { tokenIds } of model.stream(inputs, {
        ...greedy,
        signal: controller.signal,
      })) {
        steps.push(...tokenIds);
        if (steps.length === 3) controller.abort();
      }
    };
    await expectRejection(consume(), 'ABORTED');
    expect(steps).toEqual(wanted[0]!.slice(1, 4));

    expect((await model.generate(inputs, greedy)).sequences).toEqual(wanted);
    expect((await model.forward(target)).logits!.shape).toEqual([1, 3, 112]);
  }));

test('leaving a stream gives its lists back', () =>
  withGpu(usual, async (gpu) => {
    using model = await load(gpu);
    const leave = async (): Promise<void> => {
      for await (const { tokenIds } of model.stream(inputs, greedy)) {
        expect(tokenIds).toEqual([43]);
        break;
      }
    };
    await leave();
    const { buffers, bytes } = gpu.memory;
    for (let i = 0; i < 5; i++) await leave();
    expect(gpu.memory).toMatchObject({ buffers, bytes });
    expect((await model.generate(inputs, greedy)).sequences).toEqual(wanted);
    expect(gpu.memory).toMatchObject({ buffers, bytes });
  }));

test('a disposed model frees everything and says so', () =>
  withGpu(usual, async (gpu) => {
    const model = await load(gpu);
    await model.forward(target, { hiddenStates: true });
    await model.generate(inputs, greedy);
    expect(gpu.memory.buffers).toBeGreaterThan(20);
    model.dispose();
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    expect(gpu.memory.peakBytes).toBeGreaterThan(170_000);
    model.dispose();
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    await expectRejection(model.forward(target), 'DISPOSED', 'Load it again');
    await expectRejection(model.generate(inputs, greedy), 'DISPOSED', 'Load it again');
    await expectRejection(model.stream(inputs, greedy).next(), 'DISPOSED');
  }));

test('a model disposed while it works rejects, at any moment', () =>
  withGpu(usual, async (gpu) => {
    for (const moment of [0, 1, 2, 5, 10, 20]) {
      const model = await load(gpu);
      // The second round finds its lists recorded.
      if (moment % 2 === 0) await model.generate(inputs, greedy);
      const generate = model.generate(inputs, { ...greedy, maxNewTokens: 40 });
      const forward = model.forward(target);
      const settled = Promise.allSettled([generate, forward]);
      if (moment > 0) await new Promise((resolve) => void setTimeout(resolve, moment - 1));
      model.dispose();
      const results = await settled;
      for (const result of results) {
        // A call may just have come to its end.
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'DISPOSED' });
      }
      if (moment === 0) expect(results[0].status).toBe('rejected');
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    }
  }));

test('a model that brought its own device closes it', async () => {
  const model = await loadModel(source);
  const { gpu } = model;
  await model.generate(inputs, greedy);
  model.dispose();
  await expectRejection(model.forward(target), 'DISPOSED');
  await expectRejection(() => gpu.device, 'DEVICE_LOST', 'disposed');
  expect(gpu.memory.bytes).toBe(0);
  const other = await loadModel(source);
  const working = other.generate(inputs, { ...greedy, maxNewTokens: 40 });
  other.dispose();
  await expectRejection(working, 'DISPOSED');
});

test('two calls at once on one model', () =>
  withGpu(usual, async (gpu) => {
    using model = await load(gpu);
    const second = { inputIds: [[109, 17, 85, 50, 15]] };
    const alone = (await model.generate(second, greedy)).sequences;
    expect(alone[0]!.slice(0, 5)).toEqual([111, 15, 21, 109, 35]);
    const results = await Promise.all([
      model.generate(inputs, greedy),
      model.generate(second, greedy),
      model.generate(inputs, greedy),
      model.forward(target),
      model.forward({ ...target, ...second, attentionMask: [[1, 1, 1, 1, 1]] }),
    ]);
    expect(results.slice(0, 3)).toEqual([
      { sequences: wanted },
      { sequences: alone },
      { sequences: wanted },
    ]);
    // Plays that share one list do not mix their inputs.
    expect(results[3].logits).toEqual((await model.forward(target)).logits);
    const after = await model.forward({ ...target, ...second, attentionMask: [[1, 1, 1, 1, 1]] });
    expect(results[4].logits).toEqual(after.logits);
  }));

test('two devices side by side', () =>
  withGpu(usual, (one) =>
    withGpu(usual, async (two) => {
      using first = await load(one);
      using second = await loadModel(memorySource(await fixtureFiles('marian')), { gpu: two });
      const both = await Promise.all([
        first.generate(inputs, greedy),
        second.generate(inputs, greedy),
      ]);
      expect(both.map(({ sequences }) => sequences)).toEqual([wanted, wanted]);
      first.dispose();
      expect(one.memory.buffers).toBe(0);
      expect((await second.generate(inputs, greedy)).sequences).toEqual(wanted);
    }),
  ));

test('an injected device is never destroyed', () =>
  withGpu(usual, async ({ device, tier }) => {
    const gpu = Gpu.from(device, { tier });
    const model = await load(gpu);
    expect((await model.generate(inputs, greedy)).sequences).toEqual(wanted);
    model.dispose();
    expect(gpu.memory.buffers).toBe(0);
    gpu.dispose();
    await expectRejection(load(gpu), 'DEVICE_LOST', 'disposed');
    await expectRejection(gpu.restore(), 'DEVICE_LOST', 'Gpu.from');
    let lost = false;
    void device.lost.then(() => (lost = true));
    await device.queue.onSubmittedWorkDone();
    expect(lost).toBe(false);
    using again = await load(Gpu.from(device, { tier }));
    expect((await again.generate(inputs, greedy)).sequences).toEqual(wanted);
  }));

test('a device that is lost refuses work until it is restored', async () => {
  const gpu = await Gpu.request(usual);
  try {
    const model = await load(gpu);
    await model.generate(inputs, greedy);
    const { device } = gpu;
    const working = Promise.allSettled([
      model.generate(inputs, { ...greedy, maxNewTokens: 40 }),
      model.forward(target),
    ]);
    device.destroy();
    await device.lost;
    for (const result of await working) {
      expect(result.status).toBe('rejected');
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'DEVICE_LOST' });
    }
    await expectRejection(model.forward(target), 'DEVICE_LOST', 'gpu.restore()');
    await expectRejection(model.generate(inputs, greedy), 'DEVICE_LOST', 'gpu.restore()');
    await expectRejection(load(gpu), 'DEVICE_LOST', 'gpu.restore()');
    await gpu.restore();
    // The weights went with the old device.
    await expectRejection(model.forward(target), 'DEVICE_LOST', 'Load it again');
    await expectRejection(model.generate(inputs, greedy), 'DEVICE_LOST', 'Load it again');
    model.dispose();
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    using fresh = await load(gpu);
    expect((await fresh.generate(inputs, greedy)).sequences).toEqual(wanted);
  } finally {
    gpu.dispose();
  }
});

test('memory stays flat over many generations and loads', () =>
  withGpu(usual, async (gpu) => {
    {
      using model = await load(gpu);
      await model.generate(inputs, greedy);
      const { bytes, buffers } = gpu.memory;
      for (let i = 0; i < 100; i++) {
        const { sequences } = await model.generate(inputs, greedy);
        expect(sequences).toEqual(wanted);
      }
      expect(gpu.memory).toMatchObject({ bytes, buffers });
      // Other shapes need other lists; only the last few are kept.
      const held: number[] = [];
      for (let S = 1; S <= 40; S += 3) {
        for (const batch of [1, 2]) {
          const inputIds = Array.from({ length: batch }, () => Array<number>(S).fill(5));
          await model.generate({ inputIds }, { numBeams: 1, maxNewTokens: S });
          await model.forward({ inputIds, decoderInputIds: inputIds });
          held.push(gpu.memory.buffers);
        }
      }
      expect(held.at(-1)!).toBeLessThan(6 * buffers);
    }
    expect(gpu.memory.buffers).toBe(0);
    for (let i = 0; i < 50; i++) {
      const model = await load(gpu);
      model.dispose();
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    }
  }));

test('a pipeline ends with its model', () =>
  withGpu(usual, async (gpu) => {
    const translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
    await translate('in 3 days', { to: 'fr' });
    translate.dispose();
    expect(gpu.memory.buffers).toBe(0);
    await expectRejection(translate('in 3 days', { to: 'fr' }), 'DISPOSED');
  }));
