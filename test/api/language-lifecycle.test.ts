// Models of one stack over their lives: loads and disposals, aborts at any moment, many conversations.
import { expect, test } from 'vitest';
import { type Gpu, loadModel, type Model } from 'webgpu-transformer';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const { options } = (await testGpus())[0]!;
const inputs = { inputIds: [[5, 9, 23, 4, 17, 80, 6]] };

async function use(model: Model): Promise<void> {
  await model.forward(inputs, { attentions: true });
  if (model.config['model_type'] !== 'bert') await model.generate(inputs, { maxNewTokens: 3 });
}

test('a hundred loads and disposals leave nothing behind', { timeout: 60_000 }, () =>
  withGpu(options, async (gpu) => {
    const names = ['bert_seqcls', 'gpt2', 'llama_gqa', 't5_relu'];
    const sources = names.map((name) => fixtureSource(name));
    for (let i = 0; i < 100; i++) {
      const model = await loadModel(sources[i % 4]!, { gpu });
      if (i < 8) await (i % 4 === 3 ? model.generate(inputs, { maxNewTokens: 2 }) : use(model));
      model.dispose();
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    }
  }),
);

/** Aborts a call after so many turns of the event loop. */
async function abortAfter(turns: number, call: (signal: AbortSignal) => Promise<unknown>) {
  const controller = new AbortController();
  const outcome = call(controller.signal).then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  );
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve));
  controller.abort();
  return outcome;
}

test('a call that is aborted at any moment leaves the model usable', { timeout: 60_000 }, () =>
  withGpu(options, async (gpu: Gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const generation = { maxNewTokens: 24 };
    const wanted = await model.generate(inputs, generation);
    const states = await model.forward(inputs);
    const random = new Random(7);
    const outcomes = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const [turns = 0] = random.indices(1, 60);
      const numBeams = round % 3 === 0 ? 3 : 1;
      outcomes.add(
        await abortAfter(turns, (signal) =>
          model.generate(inputs, { ...generation, numBeams, signal }),
        ),
      );
      if (round % 6 === 0) {
        expect(await model.generate(inputs, generation)).toEqual(wanted);
        expect(await model.forward(inputs)).toEqual(states);
      }
    }
    expect([...outcomes].every((name) => ['AbortError', 'done'].includes(name))).toBe(true);
    expect(outcomes).toContain('AbortError');
    expect(await model.generate(inputs, generation)).toEqual(wanted);
  }),
);

test('many conversations keep only the caches of the last few', () =>
  withGpu(options, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const held: number[] = [];
    for (let turn = 0; turn < 24; turn++) {
      const inputIds = [Array.from({ length: 1 + turn }, (_, i) => 5 + ((i * 7 + turn) % 90))];
      await model.generate({ inputIds }, { maxNewTokens: 1 + (turn % 20) });
      held.push(gpu.memory.buffers);
    }
    expect(Math.max(...held.slice(12))).toBeLessThanOrEqual(Math.max(...held.slice(0, 12)) * 2);
    model.dispose();
    expect(gpu.memory.buffers).toBe(0);
    await expectRejection(model.generate(inputs), 'DISPOSED');
    await expectRejection(model.forward(inputs), 'DISPOSED');
  }));
