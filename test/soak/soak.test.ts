// Hours of use in minutes: models that come and go, generations, streams that are cut off, training steps.
// At the end there is no buffer, and memory is what it was after the first tenth: npm run soak.
import { afterAll, expect, test } from 'vitest';
import { Gpu, loadModel } from 'webgpu-transformer';
import { testGpus } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { fixtureSource } from '../support/source.ts';
import { tinyBatch, withTrainer } from '../support/training.ts';

const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
/** A part of the whole: SOAK=0.1 npm run soak. */
const scale = Number(
  (isNode ? process.env['SOAK'] : undefined) ?? import.meta.env['VITE_SOAK'] ?? 1,
);
const times = (count: number): number => Math.max(10, Math.round(count * scale));

const [{ options } = { options: {} }] = await testGpus();
const gpu = await Gpu.request(options);
afterAll(() => gpu.dispose());
const mega = 2 ** 20;

interface Memory {
  readonly heap: number;
  readonly resident: number;
}

/** Megabytes in use, once what is free was collected. */
async function memory(): Promise<Memory> {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('Run it by npm run soak, which has garbage collected.');
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  if (isNode) {
    const { heapUsed, rss } = process.memoryUsage();
    return { heap: heapUsed / mega, resident: rss / mega };
  }
  const { memory: own } = performance as unknown as { memory: { usedJSHeapSize: number } };
  return { heap: own.usedJSHeapSize / mega, resident: 0 };
}

/** Repeats work, and expects memory at the end to be that after the first tenth. */
async function soak(
  what: string,
  count: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  const warm = Math.ceil(count / 10);
  let before: Memory | undefined;
  for (let index = 0; index < count; index++) {
    if (index === warm) before = await memory();
    await work(index);
  }
  const after = await memory();
  const grown = (name: keyof Memory): number => after[name] - (before?.[name] ?? 0);
  const figures = (['heap', 'resident'] as const).map(
    (name) => `${name} ${after[name].toFixed(1)} MB (${grown(name).toFixed(1)} more)`,
  );
  console.log(`${count} ${what}: ${figures.join(', ')}; ${gpu.memory.buffers} buffers`);
  expect(grown('heap'), 'heap').toBeLessThan(8);
  expect(grown('resident'), 'resident').toBeLessThan(64);
}

const hour = 3_600_000;
const ids = (random: Random, most: number): number[][] => [
  Array.from({ length: random.integer(1, most) }, () => random.integer(5, 40)),
];

test('loads and disposals', { timeout: hour }, async () => {
  await soak('loads', times(500), async (index) => {
    const name = ['marian', 'gpt2', 'bert_seqcls', 't5_relu'][index % 4]!;
    const model = await loadModel(fixtureSource(name), { gpu });
    if (index % 3 === 0) await model.forward({ inputIds: [[5, 6, 7]] }).catch(() => {});
    model.dispose();
    expect(gpu.memory.buffers).toBe(0);
  });
});

test('generations', { timeout: hour }, async () => {
  using model = await loadModel(fixtureSource('gpt2'), { gpu });
  await soak('generations', times(5000), (index) => {
    const random = new Random(index);
    return model.generate(
      { inputIds: ids(random, 20) },
      {
        maxNewTokens: random.integer(1, 12),
        doSample: index % 2 === 0,
        ...(index % 50 === 7 && { doSample: false, numBeams: 2 }),
      },
    );
  });
  model.dispose();
  expect(gpu.memory.buffers).toBe(0);
});

test('streams that are cut off', { timeout: hour }, async () => {
  using model = await loadModel(fixtureSource('marian'), { gpu });
  await soak('streams', times(500), async (index) => {
    const random = new Random(index);
    const controller = new AbortController();
    const { signal } = controller;
    const stream = model.stream(
      { inputIds: ids(random, 9) },
      { numBeams: 1, maxNewTokens: 20, minNewTokens: 20, signal },
    );
    const last = random.integer(0, 5);
    let count = 0;
    try {
      for await (const _ of stream) {
        if (count++ < last) continue;
        if (index % 2 === 0) break;
        controller.abort();
      }
    } catch (error) {
      expect((error as Error).name).toBe('AbortError');
    }
  });
});

test('steps of training', { timeout: hour }, async () => {
  await withTrainer(gpu, {}, async (trainer) => {
    const steps = trainer.steps(tinyBatch);
    await soak('steps', times(1000), () => steps.next());
    await steps.return();
  });
  expect(gpu.memory.buffers).toBe(0);
});
