// Calls that join and leave a running batch: each gets what it gets alone, whoever runs beside it.
import { expect, test } from 'vitest';
import { Gpu, type GenerateOptions, loadModel, type Model } from 'webgpu-transformer';
import { RunningBatch } from 'webgpu-transformer/serve';
import { Exhaustion } from '../support/exhausted.ts';
import { lose, testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const gpus = await testGpus();
const [{ options: first } = gpus[0]!] = gpus;
const random = new Random(7);
const prompt = (length: number): number[] => Array.from({ length }, () => random.integer(5, 40));

interface Asked {
  readonly inputIds: number[][];
  readonly options: GenerateOptions;
}

/** Calls that have little in common. */
const calls: readonly Asked[] = [
  {
    inputIds: [prompt(5)],
    options: { maxNewTokens: 30, repetitionPenalty: 1.3, suppressTokens: [3, 8] },
  },
  { inputIds: [prompt(38)], options: { maxNewTokens: 9 } },
  {
    inputIds: [prompt(1)],
    options: {
      doSample: true,
      seed: 5,
      topK: 7,
      temperature: 0.7,
      numReturnSequences: 3,
      maxNewTokens: 17,
    },
  },
  {
    inputIds: [prompt(9)],
    options: {
      doSample: true,
      seed: 5,
      topP: 0.8,
      badWordsIds: [[6], [4, 5]],
      sequenceBias: [
        [[7], 2],
        [[8, 7], -3],
      ],
      minNewTokens: 4,
      maxNewTokens: 12,
    },
  },
  { inputIds: [prompt(13), prompt(13)], options: { maxNewTokens: 3 } },
  { inputIds: [prompt(2)], options: { maxNewTokens: 25, noRepeatNgramSize: 2 } },
];

/** The sequences that a stream gives. */
async function read(
  stream: AsyncIterable<{ tokenIds: number[] }>,
  { inputIds, options: { numReturnSequences } }: Asked,
): Promise<number[][]> {
  const sequences = inputIds.flatMap((row) =>
    Array.from({ length: numReturnSequences ?? 1 }, () => [...row]),
  );
  for await (const { tokenIds } of stream) {
    tokenIds.forEach((token, row) => sequences[row]!.push(token));
  }
  return sequences;
}

/** Has each call join once the first one has so many tokens, and compares with what each gets alone. */
async function expectAlike(
  model: Model,
  asked: readonly Asked[],
  batch: RunningBatch,
  beside = 0,
): Promise<void> {
  const alone: number[][][] = [];
  for (const { inputIds, options } of asked) {
    alone.push((await model.generate({ inputIds }, options)).sequences);
  }
  const all: Promise<number[][]>[] = [];
  const begin = (call: Asked): void => {
    all.push(read(batch.stream({ inputIds: call.inputIds }, call.options), call));
  };
  const [one, ...others] = asked;
  const watched = (async function* (): AsyncGenerator<{ tokenIds: number[] }> {
    for await (const tokens of batch.stream({ inputIds: one!.inputIds }, one!.options)) {
      const next = others.shift();
      if (next !== undefined) begin(next);
      yield tokens;
    }
  })();
  const firstOne = await read(watched, one!);
  others.forEach(begin);
  const together = [firstOne, ...(await Promise.all(all))];
  expect(together).toEqual(alone);
  expect(batch.load).toEqual({ waiting: 0, running: beside });
}

/** Log-probabilities by the model's own logits of the token behind a text. */
async function logProbsBehind(model: Model, inputIds: number[][]): Promise<number[]> {
  const { logits } = await model.forward({ inputIds }, { logitsToKeep: 1 });
  const all = Array.from(logits!.data);
  const norm = Math.log(all.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return all.map((logit) => logit - norm);
}

for (const { name, options } of gpus) {
  test(`how likely tokens were, whatever they were chosen by, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource('gpt2'), { gpu });
      using batch = new RunningBatch(model, { maxSequences: 8 });
      const asked = [calls[0]!, calls[2]!, calls[3]!].map(async ({ inputIds, options: own }, i) => {
        const topLogProbs = [3, 0, 20][i]!;
        const sequences = Array.from({ length: own.numReturnSequences ?? 1 }, () => [
          ...inputIds[0]!,
        ]);
        for await (const { tokenIds, likelihoods } of batch.stream(
          { inputIds },
          { ...own, topLogProbs },
        )) {
          for (const [row, sequence] of sequences.entries()) {
            // 119 ends a sequence.
            if (sequence.includes(119, inputIds[0]!.length)) continue;
            const wanted = await logProbsBehind(model, [sequence]);
            const { logProb, top } = likelihoods![row]!;
            expect(Math.abs(logProb - wanted[tokenIds[row]!]!)).toBeLessThan(2e-5);
            const ranked = [...wanted.keys()].toSorted((a, b) => wanted[b]! - wanted[a]!);
            expect(top.map(({ tokenId }) => tokenId)).toEqual(ranked.slice(0, topLogProbs));
            for (const one of top) {
              expect(Math.abs(one.logProb - wanted[one.tokenId]!)).toBeLessThan(2e-5);
            }
            sequence.push(tokenIds[row]!);
          }
        }
        return sequences;
      });
      const plain = read(
        batch.stream({ inputIds: calls[1]!.inputIds }, calls[1]!.options),
        calls[1]!,
      );
      expect((await Promise.all(asked)).flat()).toHaveLength(5);
      // Who asks for nothing gets what it gets alone.
      const { sequences } = await model.generate(
        { inputIds: calls[1]!.inputIds },
        calls[1]!.options,
      );
      expect(await plain).toEqual(sequences);
      await expectRejection(
        batch.stream({ inputIds: [[5]] }, { topLogProbs: 21 }).next(),
        'OPTION_INVALID',
        'topLogProbs is 21; wanted a whole number from 0 to 20.',
      );
    }));

  test(`unlike calls that join by and by, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource('gpt2'), { gpu });
      using batch = new RunningBatch(model, { maxSequences: 8 });
      await expectAlike(model, calls, batch);
      // Another time, by the lists that there are.
      await expectAlike(model, calls.toReversed(), batch);
    }));
}

test.each([
  ['llama_rope_llama3', 'f16'],
  ['variants/gemma3_text', 'f32'],
  ['variants/mistral_window', 'f32'],
  ['variants/qwen3_5_mild', 'f32'],
  ['variants/lfm2', 'f32'],
  ['variants/lfm2_moe', 'f32'],
] as const)('%s with a cache in %s', (name, cacheDtype) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu, cacheDtype });
    using batch = new RunningBatch(model);
    await expectAlike(model, calls, batch);
  }),
);

/** A stream that was begun, and what it has given so far. */
function started(batch: RunningBatch, { inputIds, options }: Asked, signal?: AbortSignal) {
  const tokens: number[] = [];
  const done = (async (): Promise<number[]> => {
    const asked = { ...options, ...(signal && { signal }) };
    for await (const { tokenIds } of batch.stream({ inputIds }, asked)) tokens.push(...tokenIds);
    return tokens;
  })();
  done.catch(() => {});
  return { tokens, done };
}

/** Waits until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setTimeout(resolve));
}

/** Keys and values alone, and states beside them. */
const kinds = ['variants/mistral_window', 'variants/qwen3_5_mild', 'variants/lfm2'];

test.each(kinds)('how likely tokens were beside others: %s', (name) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using batch = new RunningBatch(model);
    const asked = [prompt(6), prompt(37), prompt(1)].map(async (inputIds) => {
      const options = { maxNewTokens: 12, eosTokenId: null, topLogProbs: 0 };
      const sequence = [...inputIds];
      for await (const { tokenIds, likelihoods } of batch.stream(
        { inputIds: [inputIds] },
        options,
      )) {
        const wanted = await logProbsBehind(model, [sequence]);
        expect(Math.abs(likelihoods![0]!.logProb - wanted[tokenIds[0]!]!)).toBeLessThan(2e-5);
        sequence.push(tokenIds[0]!);
      }
      return sequence.length - inputIds.length;
    });
    expect(await Promise.all(asked)).toEqual([12, 12, 12]);
  }),
);

test.each(kinds)('a long prompt is fed between the steps of another: %s', (name) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using batch = new RunningBatch(model);
    const call = { inputIds: [prompt(3)], options: { maxNewTokens: 40, eosTokenId: null } };
    const one = started(batch, call);
    await until(() => one.tokens.length > 2);
    const long = { inputIds: [prompt(50)], options: { maxNewTokens: 4, eosTokenId: null } };
    const other = started(batch, long);
    await until(() => batch.load.running === 2);
    const before = one.tokens.length;
    await until(() => other.tokens.length > 0);
    // Two pieces, and a step behind each.
    expect(one.tokens.length).toBeGreaterThanOrEqual(before + 2);
    expect(one.tokens.length).toBeLessThan(40);
    const alone = await model.generate({ inputIds: long.inputIds }, long.options);
    expect([...long.inputIds[0]!, ...(await other.done)]).toEqual(alone.sequences[0]);
    const first40 = await model.generate({ inputIds: call.inputIds }, call.options);
    expect([...call.inputIds[0]!, ...(await one.done)]).toEqual(first40.sequences[0]);
  }),
);

test('who needs more of the cache than is left waits, and what one leaves another has', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    using batch = new RunningBatch(model, { maxSequences: 3, maxTokens: 96 });
    const call = (seed: number): Asked => ({
      inputIds: [prompt(8)],
      options: { maxNewTokens: 32, doSample: true, seed, eosTokenId: null },
    });
    const asked = Array.from({ length: 7 }, (_, i) => call(i));
    const running = asked.map((one) => started(batch, one));
    // Each takes 39 tokens in blocks of 16: two have room.
    await until(() => running[1]!.tokens.length > 0);
    expect(batch.load).toEqual({ waiting: 5, running: 2 });
    expect(running[2]!.tokens).toEqual([]);
    for (const [i, { inputIds, options }] of asked.entries()) {
      const { sequences } = await model.generate({ inputIds }, options);
      expect([...inputIds[0]!, ...(await running[i]!.done)]).toEqual(sequences[0]);
    }
  }));

test.each(['gpt2', ...kinds])(
  'who aborts, stops reading or fails leaves others alone: %s',
  (name) =>
    withGpu(first, async (gpu) => {
      using model = await loadModel(fixtureSource(name), { gpu });
      using batch = new RunningBatch(model, { maxSequences: 4, maxTokens: 144 });
      const options = { maxNewTokens: 39, eosTokenId: null };
      const call: Asked = { inputIds: [prompt(8)], options };
      const aborted = new AbortController();
      const stays = [started(batch, call), started(batch, call)];
      const aborts = started(batch, call, aborted.signal);
      const waits = started(batch, call, aborted.signal);
      await until(() => aborts.tokens.length > 0);
      aborted.abort();
      await expectRejection(aborts.done, 'ABORTED');
      await expectRejection(waits.done, 'ABORTED');
      expect(waits.tokens).toEqual([]);
      const stoppingCriteria = (): boolean[] => {
        throw new RangeError('of the caller');
      };
      const fails = started(batch, { ...call, options: { ...options, stoppingCriteria } });
      await expect(fails.done).rejects.toThrow('of the caller');
      const inputs = { inputIds: call.inputIds };
      const stops = batch.stream(inputs, options);
      await stops.next();
      await stops.return();
      const { sequences } = await model.generate(inputs, call.options);
      const wanted = sequences[0]!.slice(8);
      for (const { done } of stays) expect(await done).toEqual(wanted);
      // All that they had is there for the next ones.
      const next = [1, 2, 3].map(() => started(batch, call));
      await until(() => next.every(({ tokens }) => tokens.length > 0));
      for (const { done } of next) expect(await done).toEqual(wanted);
      expect(batch.load).toEqual({ waiting: 0, running: 0 });
    }),
);

test.each([
  ['gpt2', { encoderRepetitionPenalty: 1.2 }],
  ['gpt2', { edit: [{ at: 'layers.0.residual', scale: 0.5 }] }],
] as const)('what cannot share a cache runs alone: %s %o', (name, extra) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using batch = new RunningBatch(model);
    const options = { maxNewTokens: 5, numBeams: 1, eosTokenId: null, ...extra } as GenerateOptions;
    const inputIds = [prompt(6)];
    const both = [1, 2].map(() => started(batch, { inputIds, options }));
    await until(() => both[0]!.tokens.length > 0);
    expect(batch.load.running).toBe(1);
    const { sequences } = await model.generate({ inputIds }, options);
    for (const { done } of both) expect(sequences[0]!.slice(-5)).toEqual((await done).slice(-5));
  }),
);

test('what is wrong is said before anything runs', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const inputs = { inputIds: [[5, 6]] };
    for (const wrong of [{ maxSequences: 0 }, { maxLength: 49 }, { maxTokens: 1.5 }]) {
      const made = async (): Promise<RunningBatch> => new RunningBatch(model, wrong);
      await expectRejection(made(), 'OPTION_INVALID', ...Object.keys(wrong));
    }
    using batch = new RunningBatch(model);
    await expectRejection(batch.stream({ inputIds: [[-1]] }).next(), 'INPUT_INVALID');
    await expectRejection(
      batch.stream(inputs, { numBeams: 2 }).next(),
      'OPTION_INVALID',
      'numBeams',
    );
    batch.dispose();
    await expectRejection(batch.stream(inputs).next(), 'DISPOSED');
  }));

test('calls under way reject when the batch, the model or the device goes; later ones run', async () => {
  using gpu = await Gpu.request({ ...first, recover: true });
  const call: Asked = { inputIds: [prompt(4)], options: { maxNewTokens: 40 } };
  const model = await loadModel(fixtureSource('gpt2'), { gpu });
  const batch = new RunningBatch(model);
  const wanted = await started(batch, call).done;
  const lost = [started(batch, call), started(batch, call)];
  await until(() => lost[0]!.tokens.length > 0);
  await lose(gpu);
  for (const { done } of lost) await expectRejection(done, 'DEVICE_LOST');
  const again = started(batch, call);
  expect(await again.done).toEqual(wanted);
  const before = gpu.memory.bytes;
  const disposed = started(batch, call);
  await until(() => disposed.tokens.length > 0);
  batch.dispose();
  await expectRejection(disposed.done, 'DISPOSED');
  expect(gpu.memory.bytes).toBeLessThan(before);
  const other = new RunningBatch(model);
  const last = started(other, call);
  await until(() => last.tokens.length > 0);
  model.dispose();
  await expectRejection(last.done, 'DISPOSED');
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
});

test('calls under way reject when all goes at once', async () => {
  const gpu = await Gpu.request(first);
  const model = await loadModel(fixtureSource('gpt2'), { gpu });
  const running = started(new RunningBatch(model), { inputIds: [prompt(4)], options: {} });
  await until(() => running.tokens.length > 0);
  model.dispose();
  gpu.dispose();
  await expect(running.done).rejects.toMatchObject({ name: 'TransformerError' });
});

/** A tiny Llama with many positions: two layers, whose caches have 32 columns. */
async function longModel(gpu: Gpu): Promise<Model> {
  const files = await fixtureFiles('llama_gqa');
  const config = withFields(files['config.json'], { max_position_embeddings: 8192 });
  return loadModel(memorySource({ ...files, 'config.json': config }), { gpu });
}

const endless = (maxNewTokens: number): Asked => ({
  inputIds: [prompt(8)],
  options: { maxNewTokens, eosTokenId: null },
});

test('a cache has memory for what is in it, not for what may come', () =>
  withGpu(first, async (gpu) => {
    using model = await longModel(gpu);
    using batch = new RunningBatch(model, { maxLength: 8192 });
    const long = started(batch, endless(8000));
    await until(() => long.tokens.length > 100);
    // Keys and values of two layers.
    expect(gpu.memory.bytes).toBeLessThan(2 * 8000 * 32 * 4);
    // Those that come have it grow under way.
    await expectAlike(model, [endless(90), endless(130), endless(70)], batch, 1);
    expect(long.tokens.length).toBeLessThan(8000);
  }));

test('who cannot have more memory ends alone', () =>
  withGpu(first, async (gpu) => {
    using model = await longModel(gpu);
    using batch = new RunningBatch(model);
    const call = endless(200);
    const { sequences } = await model.generate({ inputIds: call.inputIds }, call.options);
    const stays = started(batch, call);
    await until(() => stays.tokens.length > 3);
    const last = started(batch, endless(300));
    await until(() => last.tokens.length > 3);
    new Exhaustion(gpu).refuse(0);
    await expectRejection(last.done, 'OUT_OF_MEMORY');
    expect([...call.inputIds[0]!, ...(await stays.done)]).toEqual(sequences[0]);
  }));

test.each(kinds)('who has no memory for a prompt ends alone: %s', (name) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using batch = new RunningBatch(model);
    const call = endless(56);
    const { sequences } = await model.generate({ inputIds: call.inputIds }, call.options);
    // There is room for two, and for what these bring back.
    await Promise.all([1, 2].map(() => started(batch, call).done));
    const stays = started(batch, call);
    await until(() => stays.tokens.length > 3);
    new Exhaustion(gpu).refuse(0);
    const last = started(batch, { inputIds: [prompt(46)], options: { maxNewTokens: 5 } });
    await expectRejection(last.done, 'OUT_OF_MEMORY');
    expect(stays.tokens.length).toBeLessThan(56);
    expect([...call.inputIds[0]!, ...(await stays.done)]).toEqual(sequences[0]);
  }),
);

/** Frequencies are the same up to 12 and 10 tokens. */
test.each(['variants/llama_dynamic', 'variants/phi3'])('short beside long sequences: %s', (name) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu });
    using batch = new RunningBatch(model);
    const call = (length: number, maxNewTokens: number): Asked => ({
      inputIds: [prompt(length)],
      options: { maxNewTokens, eosTokenId: null },
    });
    // The last token is in no cache.
    const short = [call(3, 8), call(8, 3), call(5, 6), call(1, 10)];
    await expectAlike(model, short, batch);
    const long = [call(4, 30), call(20, 9)];
    await expectAlike(model, [long[0]!, short[0]!, long[1]!, ...short], batch);
    const running = [...short, ...long].map((one) => started(batch, one));
    // All the short ones, and the first of the long ones.
    await until(() => running[0]!.tokens.length > 0);
    expect(batch.load).toEqual({ waiting: 1, running: 5 });
    await Promise.all(running.map(({ done }) => done));
  }),
);
