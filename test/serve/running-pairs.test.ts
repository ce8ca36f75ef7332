// Calls of encoder–decoders that join and leave a running batch, each with a source of its own: what each gets is what it
// gets alone, whoever runs beside it.
import { expect, test } from 'vitest';
import {
  type GenerateOptions,
  type Gpu,
  loadModel,
  type Model,
  type ModelInputs,
} from 'webgpu-transformer';
import { RunningBatch } from 'webgpu-transformer/serve';
import { Exhaustion } from '../support/exhausted.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const gpus = await testGpus();
const [{ options: first } = gpus[0]!] = gpus;
const random = new Random(17);
const text = (length: number): number[] => Array.from({ length }, () => random.integer(5, 40));

interface Asked {
  readonly inputs: ModelInputs;
  readonly options: GenerateOptions;
}

/** Options that have little in common, for sources of unlike lengths. */
const calls: readonly Asked[] = [
  { inputs: { inputIds: [text(5)] }, options: { maxNewTokens: 14, repetitionPenalty: 1.3 } },
  { inputs: { inputIds: [text(17)] }, options: { maxNewTokens: 9, eosTokenId: null } },
  {
    inputs: { inputIds: [text(1)] },
    options: { doSample: true, seed: 5, topK: 7, numReturnSequences: 3, maxNewTokens: 11 },
  },
  // Padding behind the second, and within it.
  {
    inputs: {
      inputIds: [text(9), text(9)],
      attentionMask: [Array(9).fill(1), [1, 1, 0, 1, 1, 1, 0, 0, 0]],
    },
    options: { maxNewTokens: 6, eosTokenId: null },
  },
  // A target that has begun.
  {
    inputs: { inputIds: [text(12)], decoderInputIds: [text(7)] },
    options: { maxNewTokens: 8, noRepeatNgramSize: 2 },
  },
];

/** What a stream brings, by sequences; how many of them it has is known by the first step. */
async function read(stream: AsyncIterable<{ tokenIds: number[] }>): Promise<number[][]> {
  const sequences: number[][] = [];
  for await (const { tokenIds } of stream) {
    tokenIds.forEach((token, row) => (sequences[row] ??= []).push(token));
  }
  return sequences;
}

const oneByOne = ({ inputs, options }: Asked): readonly [ModelInputs, GenerateOptions] => [
  inputs,
  { ...options, numBeams: 1 },
];

/** Has each call join once the first one has so many tokens, and compares with what each gets alone. */
async function expectAlike(
  model: Model,
  asked: readonly Asked[],
  batch: RunningBatch,
): Promise<void> {
  const alone: number[][][] = [];
  for (const call of asked) alone.push(await read(model.stream(...oneByOne(call))));
  const all: Promise<number[][]>[] = [];
  const begin = (call: Asked): number => all.push(read(batch.stream(...oneByOne(call))));
  const [one, ...others] = asked;
  const firstOne: number[][] = [];
  let most = 0;
  for await (const { tokenIds } of batch.stream(...oneByOne(one!))) {
    tokenIds.forEach((token, row) => (firstOne[row] ??= []).push(token));
    const next = others.shift();
    if (next !== undefined) begin(next);
    most = Math.max(most, batch.load.running);
  }
  others.forEach(begin);
  expect([firstOne, ...(await Promise.all(all))]).toEqual(alone);
  expect(most).toBeGreaterThan(1);
  expect(batch.load).toEqual({ waiting: 0, running: 0 });
}

for (const { name, options } of gpus) {
  test.each(['marian', 't5_relu'])(`%s: unlike calls that join by and by, ${name}`, (fixture) =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource(fixture), { gpu });
      using batch = new RunningBatch(model, { maxSequences: 8 });
      await expectAlike(model, calls, batch);
      // Another time, by the lists that there are.
      await expectAlike(model, calls.toReversed(), batch);
    }),
  );
}

test.each(['bart', 'variants/t5gemma', 'variants/m2m_100', 'variants/mt5'])(
  '%s: unlike calls',
  (fixture) =>
    withGpu(first, async (gpu) => {
      using model = await loadModel(fixtureSource(fixture), { gpu, cacheDtype: 'f32' });
      using batch = new RunningBatch(model);
      await expectAlike(model, calls, batch);
    }),
);

test.each(['variants/trocr', 'variants/ved_gpt2', 'variants/blip'])('%s: images', (fixture) =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource(fixture), { gpu });
    const parts = model.config as Record<string, { image_size?: number } | undefined>;
    const { image_size: side = 0 } = parts['encoder'] ?? parts['vision_config'] ?? {};
    const image = (batch: number): ModelInputs => ({
      pixelValues: {
        data: random.values(batch * 3 * side * side, { outliers: 0 }),
        shape: [batch, 3, side, side],
      },
    });
    using batch = new RunningBatch(model, { maxSequences: 6 });
    await expectAlike(
      model,
      [
        { inputs: image(1), options: { maxNewTokens: 12, eosTokenId: null } },
        { inputs: image(2), options: { maxNewTokens: 5 } },
        { inputs: image(1), options: { doSample: true, seed: 2, maxNewTokens: 9 } },
      ],
      batch,
    );
  }),
);

test('in a cache in f16', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('t5_relu'), { gpu, cacheDtype: 'f16' });
    using batch = new RunningBatch(model);
    await expectAlike(model, calls, batch);
  }));

test('how likely tokens were', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    using batch = new RunningBatch(model);
    const asked = [6, 19, 2].map(async (length) => {
      const inputIds = [text(length)];
      const options = { maxNewTokens: 8, numBeams: 1, topLogProbs: 2 };
      const sequence = [111];
      for await (const { tokenIds, likelihoods } of batch.stream({ inputIds }, options)) {
        const { logits } = await model.forward({ inputIds, decoderInputIds: [sequence] });
        const [, rows = 0, columns = 0] = logits!.shape;
        const last = [...logits!.data.subarray((rows - 1) * columns)];
        const norm = Math.log(last.reduce((sum, logit) => sum + Math.exp(logit), 0));
        const { logProb, top } = likelihoods![0]!;
        expect(Math.abs(logProb - (last[tokenIds[0]!]! - norm))).toBeLessThan(2e-5);
        expect(top).toHaveLength(2);
        sequence.push(tokenIds[0]!);
      }
    });
    await Promise.all(asked);
  }));

/** A stream that was begun, and what it has given so far. */
function started(batch: RunningBatch, call: Asked, signal?: AbortSignal) {
  const [inputs, options] = oneByOne(call);
  const tokens: number[] = [];
  const done = (async (): Promise<number[]> => {
    const stream = batch.stream(inputs, { ...options, ...(signal && { signal }) });
    for await (const { tokenIds } of stream) tokens.push(...tokenIds);
    return tokens;
  })();
  done.catch(() => {});
  return { tokens, done };
}

/** Waits until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setTimeout(resolve));
}

const long = (length: number, maxNewTokens: number): Asked => ({
  inputs: { inputIds: [text(length)] },
  options: { maxNewTokens, eosTokenId: null },
});

/** A model without an end of positions. */
const open = (gpu: Gpu): Promise<Model> => loadModel(fixtureSource('t5_relu'), { gpu });

test('who reads more than there is room for waits, and what one leaves another has', () =>
  withGpu(first, async (gpu) => {
    using model = await open(gpu);
    // Sources of 40 tokens take three blocks of 16, targets one.
    using batch = new RunningBatch(model, { maxSequences: 4, maxLength: 64, maxTokens: 96 });
    const asked = Array.from({ length: 6 }, () => long(40, 12));
    const running = asked.map((call) => started(batch, call));
    await until(() => running[1]!.tokens.length > 0);
    expect(batch.load).toEqual({ waiting: 4, running: 2 });
    for (const [i, call] of asked.entries()) {
      const [alone] = await read(model.stream(...oneByOne(call)));
      expect(await running[i]!.done).toEqual(alone);
    }
    // One that has no room there at all runs beside.
    const call = long(70, 5);
    const [alone] = await read(model.stream(...oneByOne(call)));
    expect(await started(batch, call).done).toEqual(alone);
  }));

test('who aborts, stops reading or fails leaves the others alone', () =>
  withGpu(first, async (gpu) => {
    using model = await open(gpu);
    using batch = new RunningBatch(model, { maxSequences: 4 });
    const asked = [long(9, 40), long(30, 40)];
    const aborted = new AbortController();
    const stays = asked.map((call) => started(batch, call));
    const aborts = started(batch, long(21, 40), aborted.signal);
    const waits = [1, 2].map(() => started(batch, long(5, 40), aborted.signal));
    await until(() => aborts.tokens.length > 0);
    aborted.abort();
    for (const { done } of [aborts, ...waits]) await expectRejection(done, 'ABORTED');
    const stoppingCriteria = (): boolean[] => {
      throw new RangeError('of the caller');
    };
    const fails = long(11, 40);
    const failed = started(batch, { ...fails, options: { ...fails.options, stoppingCriteria } });
    await expect(failed.done).rejects.toThrow('of the caller');
    const stops = batch.stream(...oneByOne(long(13, 40)));
    await stops.next();
    await stops.return();
    const next = long(25, 10);
    const last = started(batch, next);
    for (const [i, call] of [...asked, next].entries()) {
      const [alone] = await read(model.stream(...oneByOne(call)));
      expect(await [...stays, last][i]!.done).toEqual(alone);
    }
    expect(batch.load).toEqual({ waiting: 0, running: 0 });
  }));

test('memory of sources grows with what is read, and who has none for an own ends alone', () =>
  withGpu(first, async (gpu) => {
    using model = await open(gpu);
    using batch = new RunningBatch(model, { maxSequences: 6 });
    const call = long(40, 90);
    const stays = started(batch, call);
    await until(() => stays.tokens.length > 3);
    const before = gpu.memory.bytes;
    // Sources of more than 256 tokens.
    const others = [long(200, 12), long(190, 12)];
    const grown = others.map((one) => started(batch, one));
    for (const { done } of grown) await done;
    expect(gpu.memory.bytes).toBeGreaterThan(before);
    new Exhaustion(gpu).refuse(0);
    await expectRejection(started(batch, long(100, 5)).done, 'OUT_OF_MEMORY');
    for (const [i, one] of [call, ...others].entries()) {
      const [alone] = await read(model.stream(...oneByOne(one)));
      expect(await [stays, ...grown][i]!.done).toEqual(alone);
    }
  }));
