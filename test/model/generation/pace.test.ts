// Several steps in one submission: the same tokens, ends to the token, and when there are how many.
import { afterEach, expect, test, vi } from 'vitest';
import { type GenerateCall, type GenerateOptions, loadModel, type Model } from 'webgpu-transformer';
import { DecodeStep } from '../../../src/model/generation/decode-step.ts';
import { Pace, stepsAtOnce } from '../../../src/model/generation/pace.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { safetensorsFile } from '../../support/safetensors.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

afterEach(() => void vi.restoreAllMocks());

/** What was submitted: how many tokens the longest sequence had before, and how many steps. */
type Submission = readonly [length: number, steps: number];

/** What `work` gives with so many steps a submission, where a call allows several, and its submissions. */
async function paced<T>(
  steps: number,
  work: () => Promise<T>,
): Promise<{ result: T; submissions: Submission[] }> {
  const pace = vi.spyOn(Pace.prototype, 'steps').mockReturnValue(steps);
  const plays = vi.spyOn(DecodeStep.prototype, 'play');
  const result = await work();
  const submissions = plays.mock.calls.map(([length, count]): Submission => [length, count]);
  pace.mockRestore();
  plays.mockRestore();
  return { result, submissions };
}

const most = (submissions: readonly Submission[]): number =>
  Math.max(...submissions.map(([, steps]) => steps));

const endless = { eosTokenId: null };
const sampling: GenerateOptions = { doSample: true, seed: 11, topK: 20, temperature: 1.3 };
const prompt = [[5, 9, 23, 4]];
const calls: readonly GenerateCall[] = [
  { inputs: { inputIds: [[5, 9, 23, 4, 17, 80, 6]] }, options: { maxNewTokens: 21 } },
  {
    // Sequences that end at unlike tokens.
    inputs: { inputIds: [[5, 9, 23]] },
    options: { ...sampling, maxNewTokens: 18, numReturnSequences: 3, eosTokenId: [2, 30, 61, 119] },
  },
  {
    inputs: { inputIds: [[7, 7, 7, 30, 12]] },
    options: { maxNewTokens: 25, repetitionPenalty: 1.4, noRepeatNgramSize: 2 },
  },
];

test('tokens are the same, however many steps go at once', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    // Alone, and of unlike lengths, some through before others.
    const all = async () => [
      await model.generate(calls[1]!.inputs, calls[1]!.options),
      ...(await model.generateTogether(calls)),
    ];
    const single = await paced(1, all);
    expect(most(single.submissions)).toBe(1);
    for (const steps of [3, stepsAtOnce]) {
      const several = await paced(steps, all);
      expect(most(several.submissions)).toBe(steps);
      expect(several.result).toEqual(single.result);
    }
  }));

/** Tokens of a stream, one of a row. */
async function streamed(
  model: Model,
  inputIds: number[][],
  options: GenerateOptions,
): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { tokenIds } of model.stream({ inputIds }, options)) tokens.push(...tokenIds);
  return tokens;
}

test('every token is computed once, and none too many where nothing may end', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const { result, submissions } = await paced(8, () =>
      streamed(model, prompt, { ...endless, maxNewTokens: 21 }),
    );
    expect(result).toHaveLength(21);
    expect(submissions).toEqual([
      [4, 8],
      [12, 8],
      [20, 5],
    ]);
  }));

test('an end among the steps of a submission counts to the token, and the chat goes on from there', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const free = { ...sampling, ...endless, maxNewTokens: 20 };
    const tokens = await streamed(model, prompt, free);
    const at = tokens.findIndex((token, i) => i > 2 && i % 8 < 6 && tokens.indexOf(token) === i);
    const ending = { ...free, eosTokenId: tokens[at]! };
    const asked: number[][] = [];
    const stoppingCriteria = ([row = []]: number[][]): boolean[] => [
      asked.push(row) > 0 && row.at(-1) === tokens[at],
    ];
    const turns = async () => {
      const [first = []] = (await model.generate({ inputIds: prompt }, ending)).sequences;
      const more = { inputIds: [[...first, 31, 7]] };
      return [
        first,
        await model.generate(more, { ...ending, seed: 4 }),
        await streamed(model, prompt, ending),
        await streamed(model, prompt, { ...free, stoppingCriteria }),
      ];
    };
    const single = await paced(1, turns);
    expect(single.result[0]).toEqual([...prompt[0]!, ...tokens.slice(0, at + 1)]);
    expect(asked.splice(0)).toHaveLength(at + 1);
    const several = await paced(8, turns);
    expect(most(several.submissions)).toBe(8);
    expect(several.result).toEqual(single.result);
    expect(asked).toHaveLength(at + 1);
  }));

test('an abort is heard between tokens that came together, and leaves nothing behind', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const wanted = await streamed(model, prompt, { ...endless, maxNewTokens: 20 });
    await paced(8, async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const options = { ...endless, maxNewTokens: 20, signal };
      const stream = model.stream({ inputIds: prompt }, options);
      await stream.next();
      await stream.next();
      controller.abort();
      await expectRejection(stream.next(), 'ABORTED');
      for await (const { tokenIds } of model.stream({ inputIds: prompt }, endless)) {
        expect(tokenIds).toEqual(wanted.slice(0, 1));
        break;
      }
      expect(await streamed(model, prompt, { ...endless, maxNewTokens: 20 })).toEqual(wanted);
    });
  }));

/** A Llama that has a value beyond f16 for one token, and for no other. */
async function spilling(token: number) {
  const files = await fixtureFiles('llama_gqa');
  const values = readValues(files['model.safetensors']!);
  for (const [name, { shape, data }] of values) {
    const columns = shape.at(-1)!;
    // Only this token has a first column, and only the first value of the first layer goes by it.
    if (name.endsWith('embed_tokens.weight')) {
      data.forEach((_, i) => {
        if (i % columns === 0) data[i] = i / columns === token ? 100 : 0;
      });
    }
    if (name.endsWith('layers.0.self_attn.v_proj.weight')) data.fill(0).fill(1e6, 0, 1);
  }
  const tensors = Object.fromEntries(
    [...values].map(([name, { shape, data }]) => [
      name,
      { dtype: 'F32', shape, bytes: new Uint8Array(data.buffer) },
    ]),
  );
  return memorySource({ ...files, 'model.safetensors': safetensorsFile(tensors) });
}

test('a value beyond f16 is an error at its own token, and none behind the end', () =>
  withGpu(usual, async (gpu) => {
    const last = 77;
    const source = await spilling(last);
    using model = await loadModel(source, { gpu, cacheDtype: 'f16' });
    const free: GenerateOptions = { ...endless, ...sampling, suppressTokens: [last] };
    const begun = await streamed(model, prompt, { ...free, maxNewTokens: 8 });
    const at = begun.findIndex((token, i) => i > 2 && begun.indexOf(token) === i);
    const options: GenerateOptions = {
      ...endless,
      ...sampling,
      sequenceBias: [
        [[last], -1e4],
        [[begun[at]!, last], 1e5],
      ],
      maxNewTokens: 16,
    };
    for (const steps of [1, 8]) {
      await paced(steps, async () => {
        const ending = await streamed(model, prompt, { ...options, eosTokenId: last });
        expect(ending).toEqual([...begun.slice(0, at + 1), last]);
        const seen: number[] = [];
        const all = async () => {
          for await (const { tokenIds } of model.stream({ inputIds: prompt }, options))
            seen.push(...tokenIds);
        };
        await expectRejection(all(), 'LIMIT_EXCEEDED', '65504');
        expect(seen).toEqual(ending);
      });
    }
  }));

test('where something is done between the steps, they go singly', () =>
  withGpu(usual, async (gpu) => {
    // No step takes any time.
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const plays = vi.spyOn(DecodeStep.prototype, 'play');
    const stepsOf = async (model: Model, options: GenerateOptions): Promise<number[]> => {
      plays.mockClear();
      await model.generate({ inputIds: prompt }, { ...endless, maxNewTokens: 12, ...options });
      return plays.mock.calls.map(([, steps]) => steps);
    };
    const singly = Array<number>(12).fill(1);
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    expect(Math.max(...(await stepsOf(model, {})))).toBeGreaterThan(1);
    expect(await stepsOf(model, { numBeams: 2 })).toEqual(singly);
    using dynamic = await loadModel(fixtureSource('variants/llama_dynamic'), { gpu });
    expect(await stepsOf(dynamic, {})).toEqual(singly);
  }));

test('more steps go at once as tokens are many and fast', () => {
  const gpu = { tier: 'gpu', isSingle: false, mayEnd: true } as const;
  const pace = new Pace(gpu);
  expect(pace.steps(0)).toBe(1);
  pace.took(1, 100, 102);
  // Little is lost where a text ends among them.
  expect([0, 7, 8, 24, 1000].map((given) => pace.steps(given))).toEqual([1, 1, 2, 4, 8]);
  // A submission waits for the one before it: eight steps in 80 milliseconds.
  pace.took(8, 101, 182);
  expect(pace.steps(1000)).toBe(5);
  pace.took(5, 150, 482);
  expect(pace.steps(1000)).toBe(1);
  // Answers that are heard together say little: 30 milliseconds at least.
  pace.took(1, 150, 482);
  expect(pace.steps(1000)).toBe(1);
  const fast = (about: Partial<ConstructorParameters<typeof Pace>[0]>): number => {
    const one = new Pace({ ...gpu, ...about });
    one.took(1, 0, 1);
    return one.steps(1);
  };
  expect(fast({ mayEnd: false })).toBe(8);
  expect(fast({ mayEnd: false, isSingle: true })).toBe(1);
  expect(fast({ mayEnd: false, tier: 'software' })).toBe(4);
});
