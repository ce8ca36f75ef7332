// Calls of unlike lengths and options in the same steps: each gets what it gets alone.
import { expect, test } from 'vitest';
import { type GenerateCall, type GenerateOptions, loadModel, type Model } from 'webgpu-transformer';
import { expectRejection } from '../../support/rejection.ts';
import { Random } from '../../support/random.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { fixtureSource } from '../../support/source.ts';

const gpus = await testGpus();

/** Options that have little in common: each leaves out what others ask for. */
const options: readonly GenerateOptions[] = [
  { maxNewTokens: 9, noRepeatNgramSize: 2, repetitionPenalty: 1.4, suppressTokens: [3, 8, 9] },
  { doSample: true, seed: 5, topK: 7, temperature: 0.7, numReturnSequences: 2, maxNewTokens: 17 },
  {
    doSample: true,
    seed: 5,
    topP: 0.8,
    typicalP: 0.9,
    badWordsIds: [[6], [4, 5]],
    sequenceBias: [
      [[7], 2],
      [[8, 7], -3],
    ],
    minNewTokens: 4,
    maxNewTokens: 6,
  },
  { maxNewTokens: 3 },
];

/** Inputs of one length or another, the second of several rows with padding in front. */
function callsFor(seed: number, lengths: readonly number[], hasEncoder: boolean): GenerateCall[] {
  const random = new Random(seed);
  return lengths.map((length, i) => {
    const rows = i === 1 ? 2 : 1;
    const inputIds = Array.from({ length: rows }, () =>
      Array.from({ length }, () => random.integer(5, 40)),
    );
    const attentionMask = inputIds.map((row, at) =>
      row.map((_, place) => Number(hasEncoder || place >= 2 * at)),
    );
    return {
      inputs: { inputIds, attentionMask },
      options: { ...options[i], eosTokenId: [2], numBeams: 1 },
    };
  });
}

async function expectAlike(model: Model, calls: readonly GenerateCall[]): Promise<void> {
  const together = await model.generateTogether(calls);
  expect(together).toHaveLength(calls.length);
  for (const [i, { inputs, options: asked }] of calls.entries()) {
    const alone = await model.generate(inputs, asked);
    expect(together[i]!.sequences, `call ${i}`).toEqual(alone.sequences);
  }
}

for (const { name, options: tier } of gpus) {
  test.each([
    ['gpt2', false],
    ['t5_relu', true],
  ])(`%s: unlike calls, ${name}`, (fixture, hasEncoder) =>
    withGpu(tier, async (gpu) => {
      using model = await loadModel(fixtureSource(fixture), { gpu });
      await expectAlike(model, callsFor(1, [5, 13, 1, 9], hasEncoder));
    }),
  );
}

const [{ options: first } = gpus[0]!] = gpus;

test.each(['llama_rope_llama3', 'variants/gemma3_text', 'variants/mistral_window', 'marian'])(
  '%s: unlike calls',
  (fixture) =>
    withGpu(first, async (gpu) => {
      using model = await loadModel(fixtureSource(fixture), { gpu });
      await expectAlike(model, callsFor(2, [17, 3, 8, 2], fixture === 'marian'));
      expect(await model.generateTogether([])).toEqual([]);
    }),
);

test('frequencies that go by the length do not go by the neighbours', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('variants/llama_dynamic'), { gpu });
    await expectAlike(model, [
      { inputs: { inputIds: [[5, 9, 7, 8, 11, 30, 2, 4, 6]] }, options: { maxNewTokens: 20 } },
      { inputs: { inputIds: [[5, 9]] }, options: { maxNewTokens: 6 } },
    ]);
  }));

test('beams go beside the others', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const calls = callsFor(4, [3, 8, 5], true);
    const beams = { ...calls[0]!, options: { numBeams: 3 } };
    await expectAlike(model, [calls[1]!, beams, calls[2]!]);
    expect((await model.generateTogether([beams]))[0]!.scores).toHaveLength(1);
  }));

test('what is no call is refused', () =>
  withGpu(first, async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const inputs = { inputIds: [[5, 6]] };
    const wrong = model.generateTogether([{ inputs }, null] as unknown as GenerateCall[]);
    await expectRejection(wrong, 'INPUT_INVALID');
    const none = model.generateTogether({ inputs } as unknown as GenerateCall[]);
    await expectRejection(none, 'INPUT_INVALID', 'Wanted an array of calls');
  }));
