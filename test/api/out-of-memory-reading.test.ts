// Bringing results back where the device has no room for it, where the page has none, or where the device is
// lost meanwhile: the call fails with a typed error, holds nothing, and succeeds when it is made again.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type Model, type ModelInputs, TransformerError } from 'webgpu-transformer';
import { Lora, pruneHeads, pruneWeights, scoreHeads, Trainer } from 'webgpu-transformer/training';
import { Exhaustion } from '../support/exhausted.ts';
import { fixtureSource } from '../support/source.ts';
import { MemoryTarget, tinyBatch, tinyModel } from '../support/training.ts';

/** What is read back, by whom; the answer does not change from one call to the next. */
interface Made {
  readonly call: () => Promise<unknown>;
  readonly end: () => void;
}

const inputs: ModelInputs = { inputIds: [[5, 6, 7, 8]] };

async function trained(gpu: Gpu): Promise<{ model: Model; trainer: Trainer; end: () => void }> {
  const model = await tinyModel(gpu);
  const trainer = new Trainer(model, { learningRate: 0.1, seed: 1 });
  const end = (): void => [trainer, model].forEach((each) => each.dispose());
  return { model, trainer, end };
}

async function adapted(gpu: Gpu): Promise<{ lora: Lora; end: () => void }> {
  const model = await loadModel(fixtureSource('gpt2'), { gpu });
  const lora = new Lora(model, { rank: 2, targets: ['*.c_attn'] });
  return { lora, end: () => [lora, model].forEach((each) => each.dispose()) };
}

/** Each with the least buffers that one call brings back. */
const readers: Readonly<Record<string, [number, (gpu: Gpu) => Promise<Made>]>> = {
  forward: [
    1,
    async (gpu) => {
      const model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
      return { call: () => model.forward(inputs), end: () => model.dispose() };
    },
  ],
  generation: [
    4,
    async (gpu) => {
      const model = await loadModel(fixtureSource('gpt2'), { gpu });
      const call = (): Promise<unknown> => model.generate(inputs, { maxNewTokens: 4 });
      return { call, end: () => model.dispose() };
    },
  ],
  'saving of a run': [
    4,
    async (gpu) => {
      const { trainer, end } = await trained(gpu);
      const call = async (): Promise<unknown> => {
        const target = new MemoryTarget();
        await trainer.save(target);
        return target.files;
      };
      return { call, end };
    },
  ],
  'files of an adapter': [
    1,
    async (gpu) => {
      const { lora, end } = await adapted(gpu);
      return { call: () => lora.files(), end };
    },
  ],
  'merging of an adapter': [
    2,
    async (gpu) => {
      const { lora, end } = await adapted(gpu);
      const call = async (): Promise<unknown> => {
        await lora.merge();
        await lora.unmerge();
        return lora.isMerged;
      };
      return { call, end };
    },
  ],
  'pruning of weights in a run': [
    4,
    async (gpu) => {
      const { trainer, end } = await trained(gpu);
      const call = async (): Promise<unknown> => {
        const { tensors } = await pruneWeights(trainer, { sparsity: 0.5 });
        return tensors.map(({ removed }) => removed);
      };
      return { call, end };
    },
  ],
  'scoring and pruning of heads': [
    4,
    async (gpu) => {
      const { model, end } = await trained(gpu);
      const call = async (): Promise<unknown> => {
        const scores = await scoreHeads(model, [tinyBatch(1)]);
        await pruneHeads(model, { heads: [{ stack: 'encoder', layer: 0, head: 0 }] });
        return scores.length;
      };
      return { call, end };
    },
  ],
};

async function outcomeOf(call: Promise<unknown>): Promise<{ value?: unknown; code?: string }> {
  try {
    return { value: await call };
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    return { code: (error as TransformerError).code };
  }
}

test.each(Object.entries(readers))('%s', async (_, [least, make]) => {
  const gpu = await Gpu.request();
  const device = new Exhaustion(gpu);
  try {
    let made = await make(gpu);
    const wanted = await made.call();
    const held = gpu.memory.buffers;
    // Reading fails on the device's side and on this side by turns.
    const faults = {
      buffer: (after: number) => device.refuse(after),
      reading: (after: number) => device.spoil(after, after % 2 === 0 ? 'map' : 'range'),
    };
    for (const [fault, begin] of Object.entries(faults)) {
      for (let failed = 0; ; failed++) {
        begin(failed);
        const { code, value } = await outcomeOf(made.call());
        begin(Infinity);
        expect(gpu.memory.buffers, `${fault} ${failed}`).toBeLessThanOrEqual(held);
        if (code === undefined) {
          expect(value, `after ${fault} ${failed}`).toEqual(wanted);
          if (fault === 'reading') expect(failed).toBeGreaterThanOrEqual(least);
          break;
        }
        expect(code, `${fault} ${failed}`).toBe('OUT_OF_MEMORY');
      }
    }
    device.spoil(0, 'loss');
    expect(await outcomeOf(made.call())).toEqual({ code: 'DEVICE_LOST' });
    made.end();
    expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    // And anew, once it is open again.
    await gpu.restore();
    made = await make(gpu);
    expect(await made.call()).toEqual(wanted);
    made.end();
    expect(device.uncaptured).toEqual([]);
  } finally {
    gpu.dispose();
  }
});
