// Generation on the GPU next to Hugging Face's loops in float64, for a decoder without layers: what each
// option does, and that it does something.
import { expect, test } from 'vitest';
import type { GenerateOptions, Gpu } from 'webgpu-transformer';
import { Generation } from '../../../src/model/generation/generation.ts';
import { optionNames } from '../../../src/model/generation/options.ts';
import type { Prompt } from '../../../src/model/generation/prompt.ts';
import { type Margin, sample, searchBeams } from '../../reference/generation.ts';
import type { Options } from '../../reference/logits-processors.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { Random } from '../../support/random.ts';
import { ToyDecoder } from '../../support/toy-decoder.ts';

const gpus = await testGpus();
const vocabulary = 37;
const ends = [0, 5];
const file = { eos_token_id: ends, pad_token_id: 1, max_length: 18 };

/** Prompts of three rows, left padded, with sources of two thirds their number or without. */
function promptOf(seed: number, length: number, withSource: boolean): Prompt {
  const random = new Random(seed);
  const batch = (of: number) => ({
    batch: 3,
    length: of,
    rows: Array.from({ length: 3 }, () => [...random.indices(of, vocabulary)]),
  });
  const tokens = batch(length);
  const mask = {
    ...tokens,
    rows: tokens.rows.map((row, i) => row.map((_, at) => (at < Math.min(i, length - 1) ? 0 : 1))),
  };
  tokens.rows.forEach((row, i) => row.fill(1, 0, Math.min(i, length - 1)));
  if (!withSource) return { tokens, mask };
  const ids = batch(6);
  const sourceMask = ids.rows.map((row, i) => row.map((_, at) => (at < 6 - i ? 1 : 0)));
  return { tokens, mask, source: { ...ids, ids, mask: { ...ids, rows: sourceMask } } };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The options by the names of Hugging Face, lengths resolved, with those of the file. */
function referenceOptions(options: GenerateOptions, prompt: number): Options {
  const given = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [snakeCase(name), value as unknown]),
  );
  const { maxNewTokens, minNewTokens, eosTokenId, forcedEosTokenId } = options;
  const list = (
    ids: number | readonly number[] | null | undefined,
  ): readonly number[] | undefined =>
    ids === undefined || ids === null ? undefined : [ids].flat();
  return {
    ...file,
    ...given,
    ...(maxNewTokens && { max_length: prompt + maxNewTokens }),
    ...(minNewTokens && { min_length: prompt + minNewTokens }),
    ...(eosTokenId !== undefined && { eos_token_id: list(eosTokenId) ?? [] }),
    ...(forcedEosTokenId !== undefined && { forced_eos_token_id: list(forcedEosTokenId)! }),
  };
}

interface Outcome {
  readonly sequences: number[][];
  readonly scores?: number[] | undefined;
}

/** What the loops in float64 give, and how narrowly. */
function outcomeOf(
  decoder: ToyDecoder,
  prompt: Prompt,
  options: GenerateOptions,
): Outcome & { margin: number } {
  const sources = decoder.sources(prompt);
  const margin: Margin = { least: Infinity };
  const { tokens, mask, source } = prompt;
  const { length } = tokens;
  const wanted = referenceOptions(options, length);
  const task = {
    prompts: tokens.rows,
    padding: mask.rows.map((row) => row.indexOf(1)),
    sources: (source?.ids ?? tokens).rows,
    logits: (row: readonly number[], input: number) => {
      const ones = row.slice(length).map(() => 1);
      return decoder.logits(row, [...mask.rows[input]!, ...ones], sources[input]);
    },
    ...(options.stoppingCriteria && { criteria: options.stoppingCriteria }),
  };
  const isSearch = (options.numBeams ?? 1) > 1;
  const outcome: Outcome = isSearch
    ? searchBeams(task, wanted, margin)
    : { sequences: sample(task, wanted, margin) };
  return { ...outcome, margin: margin.least };
}

/** Choices closer than this might fall otherwise in f32. */
const leastMargin = 1e-4;

function expectOutcome(got: Outcome, wanted: Outcome, label: string): void {
  expect(got.sequences, `sequences, ${label}`).toEqual(wanted.sequences);
  expect(got.scores?.length, `scores, ${label}`).toBe(wanted.scores?.length);
  got.scores?.forEach((score, i) => {
    const difference = Math.abs(score - wanted.scores![i]!);
    // Sums of at most 18 log-probabilities of about 4, divided by a length.
    expect(difference, `score ${i}, ${label}`).toBeLessThan(1e-5 * (1 + Math.abs(score)));
  });
}

const beams = { numBeams: 3 };
const sampling = { doSample: true, seed: 9, topK: 0, temperature: 1 };

/**
 * Each option with what it is set on top of: the outcome must differ from that without it. `from`: where the
 * search for a prompt that shows it begins, where such prompts are rare.
 */
const cases: readonly (readonly [GenerateOptions, base?: GenerateOptions, from?: number])[] = [
  [{ maxNewTokens: 3 }],
  [{ maxLength: 9 }],
  [{ minNewTokens: 9 }],
  [{ minLength: 14 }, {}, 117],
  [{ numBeams: 4 }],
  [{ doSample: true, seed: 4 }],
  [{ numReturnSequences: 2 }, sampling],
  [{ numReturnSequences: 3 }, beams],
  [{ seed: 10 }, sampling],
  [{ temperature: 2 }, sampling],
  [{ temperature: 0.5 }, sampling],
  [{ topK: 2 }, sampling],
  [{ topP: 0.4 }, sampling],
  [{ minP: 0.4 }, sampling],
  [{ typicalP: 0.3 }, sampling],
  [{ epsilonCutoff: 0.08 }, sampling],
  [{ etaCutoff: 0.3 }, sampling],
  [{ repetitionPenalty: 1.7 }],
  [{ encoderRepetitionPenalty: 3 }],
  [{ presencePenalty: 1.5 }],
  [{ frequencyPenalty: 1.2 }],
  [{ noRepeatNgramSize: 2 }],
  [{ encoderNoRepeatNgramSize: 1 }],
  [{ badWordsIds: [[7], [5], [9, 20], [30]] }],
  [
    {
      sequenceBias: [
        [[12], 2.5],
        [[20], -3],
      ],
    },
  ],
  [{ suppressTokens: [3, 8, 13, 18, 23, 28] }],
  [{ beginSuppressTokens: Array.from({ length: 18 }, (_, i) => 2 * i) }],
  [{ forcedBosTokenId: 33 }],
  [{ forcedEosTokenId: 0, maxLength: 5 }, { maxLength: 5 }],
  [{ forcedEosTokenId: [21, 22], maxLength: 5 }, { maxLength: 5 }],
  [{ exponentialDecayLengthPenalty: [2, 1.6] }],
  [{ lengthPenalty: -2 }, beams],
  [{ lengthPenalty: 3 }, beams],
  [{ earlyStopping: true }, { ...beams, lengthPenalty: 2 }, 234],
  [{ earlyStopping: 'never' }, beams, 31],
  [
    { renormalizeLogits: true, suppressTokens: [1, 2, 3, 4] },
    { ...beams, suppressTokens: [1, 2, 3, 4] },
  ],
  [{ eosTokenId: [2, 3, 11, 30, 31] }],
  [{ eosTokenId: null }],
  [{ padTokenId: 17 }],
  [{ stoppingCriteria: (rows) => rows.map((row, i) => row.length > 4 + i) }],
  [{ stoppingCriteria: (rows) => rows.map((row) => row.length > 5) }, beams],
  // Criteria may end some continuations of a beam, as an end token does.
  [{ stoppingCriteria: (rows) => rows.map((row) => row.at(-1)! % 4 === 3) }, beams],
];

/** Options together, where one might get in the way of the other. */
const together: typeof cases = [
  [{ doSample: true, seed: 3, topK: 0 }, beams],
  [{ topP: 0.3 }, { ...beams, ...sampling }],
  [{ epsilonCutoff: 0.3 }, { ...beams, ...sampling }],
  [
    { temperature: 0.3, typicalP: 0.4 },
    { ...beams, ...sampling },
  ],
  [
    { seed: 1, numReturnSequences: 3 },
    { ...beams, ...sampling, numReturnSequences: 3 },
  ],
  [{ repetitionPenalty: 1.4, noRepeatNgramSize: 2, numReturnSequences: 2 }, beams],
  [{ badWordsIds: [[3, 4], [20]], sequenceBias: [[[12], 1.5]] }, beams],
  [{ encoderRepetitionPenalty: 2, encoderNoRepeatNgramSize: 2 }, beams],
  [{ forcedBosTokenId: 33, forcedEosTokenId: 5, beginSuppressTokens: [2, 3, 4] }, beams],
  [{ minLength: 9, exponentialDecayLengthPenalty: [1, 1.3] }, beams],
  [{ eosTokenId: 2 }, { ...beams, lengthPenalty: 0 }],
  // Of hypotheses with equal scores, the first is the best.
  [
    { forcedEosTokenId: [21, 22], maxLength: 7 },
    { ...beams, maxLength: 7 },
  ],
  [{ temperature: 1.5, topK: 20, topP: 0.9, minP: 0.02, typicalP: 0.95 }, sampling],
  [{ repetitionPenalty: 1.3, frequencyPenalty: 0.3, badWordsIds: [[4]], minLength: 8 }, sampling],
];

/** What `generate` does not see to. */
const elsewhere = ['bosTokenId', 'decoderStartTokenId', 'signal'];

test('every option has a case', () => {
  const tested = new Set(cases.flatMap(([options]) => Object.keys(options)));
  expect([...tested, ...elsewhere].toSorted()).toEqual([...optionNames].toSorted());
});

async function withGeneration(
  gpu: Gpu,
  work: (decoder: ToyDecoder, generation: Generation) => Promise<void>,
  seed = 3,
): Promise<void> {
  const decoder = new ToyDecoder(gpu, { seed, vocabulary, generation: file, scale: 1.2 });
  const generation = new Generation(decoder);
  try {
    await work(decoder, generation);
  } finally {
    generation.dispose();
  }
}

interface Contrast {
  readonly prompt: Prompt;
  readonly plain: Outcome;
  readonly changed: Outcome;
}

/** Found once for all kinds of kernels. */
const contrasts = new Map<string, Contrast>();

/** A prompt for which two lists of options differ by more than rounding, and what they lead to. */
function contrastOf(
  decoder: ToyDecoder,
  label: string,
  base: GenerateOptions,
  both: GenerateOptions,
  { isStart, from }: { isStart: boolean; from: number },
): Contrast {
  const known = contrasts.get(label);
  if (known !== undefined) return known;
  for (let seed = from; seed < from + 300; seed++) {
    const prompt = promptOf(seed, isStart ? 1 : 4, isStart);
    const [plain, changed] = [outcomeOf(decoder, prompt, base), outcomeOf(decoder, prompt, both)];
    if (Math.min(plain.margin, changed.margin) < leastMargin) continue;
    if (JSON.stringify(plain.sequences) === JSON.stringify(changed.sequences)) continue;
    contrasts.set(label, { prompt, plain, changed });
    return { prompt, plain, changed };
  }
  throw new Error(`No prompt shows what ${label} does.`);
}

for (const { name, options: kind } of gpus) {
  test(`each option does what Hugging Face's does, ${name}`, { timeout: 60_000 }, () =>
    withGpu(kind, (gpu) =>
      withGeneration(gpu, async (decoder, generation) => {
        // Starts of one token with a source, as of encoder–decoders, and prompts, as of decoders alone.
        const runs = [cases, together].flatMap((list) =>
          list.map((one, i) => [one, i % 2 === 0 || 'forcedBosTokenId' in one[0]] as const),
        );
        for (const [[options, base = {}, from = 0], isStart] of runs) {
          const both = { ...base, ...options };
          const label = `${JSON.stringify(both)}, ${isStart ? 'start' : 'prompt'}`;
          const { prompt, plain, changed } = contrastOf(decoder, label, base, both, {
            isStart,
            from,
          });
          expectOutcome(await generation.generate(prompt, base), plain, `without ${label}`);
          expectOutcome(await generation.generate(prompt, both), changed, label);
        }
      }),
    ),
  );
}

const [{ options: usual } = { options: {} }] = gpus;

async function collect(stream: ReturnType<Generation['stream']>): Promise<number[][]> {
  const steps: number[][] = [];
  for await (const { tokenIds } of stream) steps.push(tokenIds);
  return steps;
}

test('a stream of draws yields what generate returns', () =>
  withGpu(usual, (gpu) =>
    withGeneration(gpu, async (_, generation) => {
      const prompt = promptOf(7, 3, false);
      const options = { ...sampling, numReturnSequences: 2 };
      const { sequences } = await generation.generate(prompt, options);
      const steps = await collect(generation.stream(prompt, options));
      expect(sequences).toEqual(
        sequences.map((row, i) => [...row.slice(0, 3), ...steps.map((step) => step[i]!)]),
      );
      // Without a seed, every call draws anew.
      const texts = await Promise.all(
        Array.from({ length: 4 }, () => generation.generate(prompt, { doSample: true })),
      );
      expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBeGreaterThan(1);
    }),
  ));

test('calls that differ in data alone share what was recorded', () =>
  withGpu(usual, (gpu) =>
    withGeneration(gpu, async ({ shapes }, generation) => {
      const calls: GenerateOptions[] = [
        { ...sampling, temperature: 0.5, topP: 0.5, repetitionPenalty: 1.1, suppressTokens: [3] },
        { ...sampling, temperature: 2, topP: 0.9, repetitionPenalty: 1.8, maxLength: 25 },
        { ...sampling, temperature: 3, topP: 0.7, repetitionPenalty: 0.9, suppressTokens: [4, 5] },
      ];
      for (const [i, options] of calls.entries()) {
        await generation.generate(promptOf(i, 2 + i, false), { suppressTokens: [7], ...options });
      }
      expect(shapes).toHaveLength(1);
      await generation.generate(promptOf(0, 2, false), { numBeams: 2 });
      expect(shapes).toHaveLength(2);
    }),
  ));

test('a call comes before the file, and null stands for the default', () =>
  withGpu(usual, async (gpu) => {
    const lengthOf = async (
      generation: Record<string, unknown>,
      options: GenerateOptions,
      prompt = 2,
    ): Promise<number> => {
      const fields = { pad_token_id: 1, ...generation };
      const decoder = new ToyDecoder(gpu, { seed: 3, vocabulary, generation: fields });
      const loop = new Generation(decoder);
      try {
        const { sequences } = await loop.generate(promptOf(1, prompt, false), options);
        return sequences[0]!.length;
      } finally {
        loop.dispose();
      }
    };
    expect(await lengthOf({}, {})).toBe(22);
    expect(await lengthOf({}, {}, 30)).toBe(50);
    expect(await lengthOf({ max_length: 7 }, {})).toBe(7);
    expect(await lengthOf({ max_length: 7, max_new_tokens: 3 }, {})).toBe(5);
    expect(await lengthOf({ max_new_tokens: 3 }, { maxLength: 9 })).toBe(9);
    expect(await lengthOf({ max_length: 7 }, { maxNewTokens: 9 })).toBe(11);
    expect(await lengthOf({}, { maxNewTokens: 4, maxLength: 9 })).toBe(6);
    expect(await lengthOf({ max_length: 7 }, { maxLength: null })).toBe(22);
    expect(await lengthOf({ max_length: 7 }, {}, 6)).toBe(7);
    const refused = lengthOf({ max_length: 7 }, {}, 7);
    await expectRejection(refused, 'OPTION_INVALID', '7 tokens', 'maxLength is 7', 'maxNewTokens');
    const every = Array.from({ length: vocabulary }, (_, id) => id);
    const ending = { eos_token_id: every, max_length: 12 };
    expect(await lengthOf(ending, {})).toBe(3);
    expect(await lengthOf(ending, { eosTokenId: null })).toBe(12);
    expect(await lengthOf({ ...ending, do_sample: true, top_k: 0 }, { doSample: null })).toBe(3);
    // What only sampling reads may be anything in a file that does not sample.
    expect(await lengthOf({ temperature: 0, top_p: 7, max_length: 4 }, {})).toBe(4);
  }));
