// A device that runs out of memory: at each buffer in turn that a call makes. The call fails with a typed
// error, holds nothing, and succeeds with the same numbers when it is made again.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model, type ModelInputs, TransformerError } from 'webgpu-transformer';
import { Lora, Trainer } from 'webgpu-transformer/training';
import { Exhaustion } from '../support/exhausted.ts';
import { fixtureSource } from '../support/source.ts';

/**
 * Has every buffer refused that `call` makes. `result` tells the right answer; what `call` keeps for the next
 * call may stay, but no more of it than after a call that went well.
 */
async function refuseEach(
  gpu: Gpu,
  device: Exhaustion,
  make: () => Promise<{ call: () => Promise<unknown>; end: () => void }>,
): Promise<number> {
  const base = gpu.memory;
  const first = await make();
  const before = gpu.memory;
  const wanted = await first.call();
  const after = gpu.memory;
  first.end();
  expect(gpu.memory).toMatchObject({ bytes: base.bytes, buffers: base.buffers });
  let refused = 0;
  for (;;) {
    const { call, end } = await make();
    device.refuse(refused);
    const error: unknown = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    device.refuse(Infinity);
    if (error === undefined) {
      end();
      return refused;
    }
    expect(error).toBeInstanceOf(TransformerError);
    expect(`${(error as TransformerError).code} ${refused}`).toBe(`OUT_OF_MEMORY ${refused}`);
    expect(gpu.memory.buffers, `buffer ${refused}`).toBeLessThanOrEqual(after.buffers);
    expect(gpu.memory.buffers).toBeGreaterThanOrEqual(before.buffers);
    expect(await call(), `after buffer ${refused}`).toEqual(wanted);
    // Results of calls that overlap need another buffer, or not, as time has it.
    expect(gpu.memory.buffers, `buffer ${refused}`).toBeLessThanOrEqual(after.buffers + 1);
    end();
    expect(gpu.memory, `buffer ${refused}`).toMatchObject({
      bytes: base.bytes,
      buffers: base.buffers,
    });
    expect(device.uncaptured).toEqual([]);
    refused++;
  }
}

async function withExhaustion(
  work: (gpu: Gpu, device: Exhaustion) => Promise<void>,
): Promise<void> {
  const gpu = await Gpu.request();
  const device = new Exhaustion(gpu);
  try {
    await work(gpu, device);
    await gpu.device.queue.onSubmittedWorkDone();
    expect(device.uncaptured).toEqual([]);
  } finally {
    gpu.dispose();
  }
}

/** What `refuseEach` makes: a loaded model, and a call of it. */
async function loaded(
  gpu: Gpu,
  folder: string,
  call: (model: Model) => Promise<unknown>,
): Promise<{ call: () => Promise<unknown>; end: () => void }> {
  const model = await loadModel(fixtureSource(folder), { gpu });
  return { call: () => call(model), end: () => model.dispose() };
}

const inputIds = [[5, 6, 7, 8]];

test('loading', () =>
  withExhaustion(async (gpu, device) => {
    for (const training of [false, true]) {
      const count = await refuseEach(gpu, device, async () => {
        let model: Model | undefined;
        return {
          call: async () => {
            model = await loadModel(fixtureSource('bert_seqcls'), { gpu, training });
            return model.config;
          },
          end: () => model?.dispose(),
        };
      });
      expect(count).toBeGreaterThan(training ? 0 : 10);
    }
  }));

test.each([
  ['bert_seqcls', { inputIds }],
  ['marian', { inputIds, decoderInputIds: [[1, 2]] }],
] as const)('forward of %s', (folder, inputs: ModelInputs) =>
  withExhaustion(async (gpu, device) => {
    const count = await refuseEach(gpu, device, () =>
      loaded(gpu, folder, async (model) => model.forward(inputs, { hiddenStates: true })),
    );
    expect(count).toBeGreaterThan(5);
  }),
);

test.each([
  ['gpt2', { numBeams: 1 }],
  ['marian', { numBeams: 2 }],
] as const)('generation with %s, %j', (folder, options) =>
  withExhaustion(async (gpu, device) => {
    const count = await refuseEach(gpu, device, () =>
      loaded(gpu, folder, async (model) =>
        model.generate({ inputIds }, { ...options, maxNewTokens: 4 }),
      ),
    );
    expect(count).toBeGreaterThan(10);
  }),
);

/** Two steps, then what the model computes. A trainer that cannot go on is replaced. */
async function train(model: Model, trainers: Trainer[]): Promise<unknown> {
  const batches = (index: number): ModelInputs => ({
    inputIds: [[5, 6, 7 + index]],
    labels: [index],
  });
  trainers[0] ??= new Trainer(model, { learningRate: 0.01, seed: 1 });
  const [trainer] = trainers;
  for await (const _ of trainer.steps(batches, { maxSteps: 2 }));
  return model.forward({ inputIds });
}

test('steps of training go on where they were', () =>
  withExhaustion(async (gpu, device) => {
    const count = await refuseEach(gpu, device, async () => {
      const model = await loadModel(fixtureSource('bert_seqcls'), { gpu, training: true });
      const trainers: Trainer[] = [];
      const end = (): void => trainers.forEach((trainer) => trainer.dispose());
      return {
        call: async () => {
          try {
            return await train(model, trainers);
          } catch (error) {
            // The states that there was no room for are of no use; steps that were done have them.
            if (trainers[0]?.step === 0) end();
            if (trainers[0]?.step === 0) trainers.length = 0;
            throw error;
          }
        },
        end: () => {
          end();
          model.dispose();
        },
      };
    });
    expect(count).toBeGreaterThan(20);
  }));

test('adapters', () =>
  withExhaustion(async (gpu, device) => {
    using base = await loadModel(fixtureSource('gpt2'), { gpu });
    const batch: ModelInputs = { inputIds, labels: inputIds };
    const count = await refuseEach(gpu, device, async () => {
      const made: { dispose: () => void }[] = [];
      const end = (): void => made.splice(0).forEach((each) => each.dispose());
      return {
        call: async () => {
          end();
          try {
            const adapter = new Lora(base, { rank: 2, alpha: 2, targets: ['*.c_attn'] });
            made.push(adapter);
            const trainer = new Trainer(base, { adapter, learningRate: 0.1 });
            made.push(trainer);
            for await (const { loss } of trainer.steps(() => batch, { maxSteps: 1 })) return loss;
            return undefined;
          } catch (error) {
            end();
            throw error;
          }
        },
        end,
      };
    });
    expect(count).toBeGreaterThan(20);
  }));
