// Models and trainers that end, and devices that are lost, at every moment a call waits: it rejects as it
// should, nothing stays behind, and nobody else notices.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model, TransformerError } from 'webgpu-transformer';
import { Lora, sgd, Trainer } from 'webgpu-transformer/training';
import { Random } from '../support/random.ts';
import { testGpus } from '../support/gpu.ts';
import { momentsOf, watched } from '../support/moments.ts';
import { fixtureSource } from '../support/source.ts';
import { MemoryTarget, tinyBatch, tinyModel, tinySource } from '../support/training.ts';

const [{ options } = { options: {} }] = await testGpus();
/** Moments of each call that are tried, drawn over all it has. */
const tried = Number(process.env['FUZZ_CASES'] ?? 6);
const seed = Number(process.env['FUZZ_SEED'] ?? 0);

const ids = { inputIds: [[26, 62, 19]] };
const greedy = { numBeams: 1, maxNewTokens: 5 };

/** Calls of a model that was just loaded. */
const modelCalls: Readonly<Record<string, (model: Model) => Promise<unknown>>> = {
  forward: (model) => model.forward({ ...ids, decoderInputIds: [[111, 43]] }),
  generate: (model) => model.generate(ids, greedy),
  'generate with a prompt': (model) =>
    model.generate({ ...ids, decoderInputIds: [[111, 43, 8, 9]] }, greedy),
  'beams that are asked': (model) =>
    model.generate(ids, {
      numBeams: 2,
      maxNewTokens: 4,
      stoppingCriteria: (all) => all.map(() => false),
    }),
  stream: async (model) => {
    for await (const { tokenIds } of model.stream(ids, greedy)) expect(tokenIds).toHaveLength(1);
  },
  'several at once': (model) =>
    Promise.all([
      model.generate(ids, greedy),
      model.generateTogether([{ inputs: ids, options: greedy }]),
      model.forward({ ...ids, decoderInputIds: [[111]] }, { hiddenStates: true }),
    ]),
};

/** Makes what a call works with. Result: begins the call; ends what it works with. */
type Ending = (gpu: Gpu) => Promise<{ call: () => Promise<unknown>; end: () => void }>;

const endings: Readonly<Record<string, Ending>> = {
  ...Object.fromEntries(
    Object.entries(modelCalls).map(([name, call]): [string, Ending] => [
      name,
      async (gpu) => {
        const model = await loadModel(fixtureSource('marian'), { gpu });
        return { call: () => call(model), end: () => model.dispose() };
      },
    ]),
  ),
  training: async (gpu) => {
    const model = await tinyModel(gpu);
    const trainer = new Trainer(model, { optimizer: sgd(), learningRate: 0.1, accumulate: 2 });
    const call = async (): Promise<void> => {
      for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 3 })) {
        if (step === 2) await trainer.save(new MemoryTarget());
      }
      await trainer.evaluate([tinyBatch(7)]);
    };
    const end = (): void => {
      trainer.dispose();
      model.dispose();
    };
    return { call, end };
  },
  adapters: async (gpu) => {
    const model = await loadModel(tinySource(), { gpu });
    const lora = new Lora(model, { rank: 2, alpha: 2, targets: ['*.q_proj', '*.fc1'] });
    const trainer = new Trainer(model, { optimizer: sgd(), learningRate: 0.1, adapter: lora });
    const call = async (): Promise<void> => {
      for await (const { step } of trainer.steps(tinyBatch, { maxSteps: 2 })) {
        expect(step).toBeLessThan(3);
      }
      await lora.merge();
      await lora.unmerge();
    };
    const end = (): void => {
      trainer.dispose();
      lora.dispose();
      model.dispose();
    };
    return { call, end };
  },
};

/** Runs a call to its end, or until `n` answers have arrived; how it went, and how many answers came. */
async function run(ending: Ending, n: number, loses: boolean): Promise<number> {
  const gpu = await Gpu.request(options);
  const { device } = gpu;
  const errors: string[] = [];
  device.addEventListener('uncapturederror', ({ error }) => void errors.push(error.message));
  const moments = momentsOf(device);
  try {
    const { call, end } = await ending(gpu);
    const before = moments.count;
    moments.at = (number) => {
      if (number === before + n) (loses ? () => device.destroy() : end)();
    };
    const [result] = await Promise.allSettled([call()]);
    if (result.status === 'rejected') {
      expect(result.reason, `moment ${n}`).toBeInstanceOf(TransformerError);
      expect((result.reason as TransformerError).code, `moment ${n}`).toBe(
        loses ? 'DEVICE_LOST' : 'DISPOSED',
      );
    }
    end();
    expect(gpu.memory, `moment ${n}`).toMatchObject({ bytes: 0, buffers: 0 });
    expect(errors, `moment ${n}`).toEqual([]);
    return moments.count - before;
  } finally {
    gpu.dispose();
  }
}

for (const [name, ending] of Object.entries(endings)) {
  test.each([
    ['is disposed of', false],
    ['loses its device', true],
  ])(`${name}: what it works with %s`, async (_, loses) => {
    const count = await run(ending, Infinity, loses);
    expect(count).toBeGreaterThan(3);
    const random = new Random(seed + count);
    const some = Array.from({ length: tried }, () => random.integer(0, count - 1));
    for (const n of new Set([0, ...some, count - 1])) await run(ending, n, loses);
  });
}

test('a load that is aborted, or loses its device, at any of its reads leaves nothing', async () => {
  for (const loses of [false, true]) {
    for (let n = 0; ; n++) {
      const gpu = await Gpu.request(options);
      const { device } = gpu;
      const moments = momentsOf(device);
      const controller = new AbortController();
      moments.at = (number) => {
        if (number !== n) return;
        if (loses) device.destroy();
        else controller.abort();
      };
      const { signal } = controller;
      const load = loadModel(watched(fixtureSource('marian'), moments), { gpu, signal });
      const [result] = await Promise.allSettled([load]);
      if (result.status === 'fulfilled') result.value.dispose();
      else {
        const { code } = result.reason as TransformerError;
        expect(code, `moment ${n}`).toBe(loses ? 'DEVICE_LOST' : 'ABORTED');
      }
      expect(gpu.memory, `moment ${n}`).toMatchObject({ bytes: 0, buffers: 0 });
      const { count } = moments;
      gpu.dispose();
      if (n >= count) break;
    }
  }
});
