// Generation and forward passes must agree with each other, however a batch is put together.
import { expect, test } from 'vitest';
import { loadModel, type Model, pipeline } from 'webgpu-transformer';
import { expectClose } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const gpus = await testGpus();
const [{ options: usual } = { options: {} }] = gpus;
const random = new Random(11);
/** Sequences of Marian's tokens, without its padding token 111. */
const sequencesOf = (lengths: readonly number[]): number[][] =>
  lengths.map((length) => [...random.indices(length, 111)]);
const padded = (rows: readonly number[][]): { inputIds: number[][]; attentionMask: number[][] } => {
  const length = Math.max(...rows.map((row) => row.length));
  const fill = (row: number[], value: number): number[] =>
    Array<number>(length - row.length).fill(value);
  return {
    inputIds: rows.map((row) => [...row, ...fill(row, 3)]),
    attentionMask: rows.map((row) => [...row.map(() => 1), ...fill(row, 0)]),
  };
};

/** A sequence up to its end token. */
function ended(tokens: readonly number[], end = 0): number[] {
  const at = tokens.indexOf(end);
  return tokens.slice(0, at < 0 ? tokens.length : at + 1);
}

async function collect(stream: ReturnType<Model['stream']>): Promise<number[][]> {
  const steps: number[][] = [];
  for await (const { tokenIds } of stream) steps.push(tokenIds);
  return steps;
}

for (const { name, options } of gpus) {
  test(`a batch of different lengths gives what each sequence gives alone, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using model = await loadModel(fixtureSource('marian'), { gpu });
      const rows = sequencesOf([17, 5, 1, 16]);
      const generation = { maxNewTokens: 20, numBeams: 1 };
      const { sequences } = await model.generate(padded(rows), generation);
      const targets = rows.map(() => [111, 4, 8, 15, 16, 23, 42]);
      const together = await model.forward({ ...padded(rows), decoderInputIds: targets });
      const [, T = 0, vocabulary = 0] = together.logits!.shape;
      for (const [index, row] of rows.entries()) {
        const alone = await model.generate({ inputIds: [row] }, generation);
        expect(ended(sequences[index]!)).toEqual(ended(alone.sequences[0]!));
        const { logits } = await model.forward({
          inputIds: [row],
          decoderInputIds: [targets[index]!],
        });
        const size = T * vocabulary;
        const data = together.logits!.data.subarray(index * size, (index + 1) * size);
        expectClose({ data, shape: [1, T, vocabulary] }, logits!, `row ${index}`);
      }
    }));

  test(`decoding with caches chooses what a forward pass over the whole says, ${name}`, () =>
    withGpu(options, async (gpu) => {
      using translate = await pipeline('translation', fixtureSource('models/phrases'), { gpu });
      const { model } = translate;
      const texts = ['Saturday, November 21, 2026 at 3:07:09 PM', '3 kilometers'];
      const inputs = padded(texts.map((text) => translate.encode(text, { to: 'de' })));
      // Without an end token, so that more is decoded than one tile of keys holds.
      const end = 1;
      const { sequences } = await model.generate(inputs, {
        maxNewTokens: 40,
        suppressTokens: [end],
      });
      const decoderInputIds = sequences.map((row) => row.slice(0, -1));
      const { logits } = await model.forward({ ...inputs, decoderInputIds });
      const [, T = 0, vocabulary = 0] = logits!.shape;
      expect(T).toBeGreaterThan(32);
      for (const [index, row] of sequences.entries()) {
        for (let step = 1; step < row.length; step++) {
          const first = (index * T + step - 1) * vocabulary;
          const scores = logits!.data.slice(first, first + vocabulary);
          scores[end] = -Infinity;
          expect(scores.indexOf(Math.max(...scores)), `row ${index}, step ${step}`).toBe(row[step]);
        }
      }
    }));
}

test('a stream yields what generate returns', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const inputs = padded(sequencesOf([9, 3]));
    for (const maxNewTokens of [1, 2, 16, 17, 39, 40]) {
      const generation = { maxNewTokens, numBeams: 1 };
      const { sequences } = await model.generate(inputs, generation);
      const steps = await collect(model.stream(inputs, generation));
      expect(sequences).toEqual([0, 1].map((row) => [111, ...steps.map((step) => step[row]!)]));
      expect(steps.length).toBeLessThanOrEqual(maxNewTokens);
      const longest = Math.max(...sequences.map((row) => ended(row).length));
      expect(steps).toHaveLength(longest - 1);
    }
  }));

test('settings of generation are those of the call, then of generation_config.json', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('marian');
    const load = (fields: Record<string, unknown>): Promise<Model> => {
      const generation = withFields(files['generation_config.json'], { num_beams: 1, ...fields });
      const all = { ...files, 'generation_config.json': generation };
      return loadModel(memorySource(all), { gpu });
    };
    const inputs = { inputIds: [[36, 33, 56, 81, 32, 27]] };
    using model = await load({});
    const free = await model.generate(inputs, { maxNewTokens: 30 });
    const tokens = ended(free.sequences[0]!);
    expect(tokens.length).toBeGreaterThan(3);

    // max_length counts the start token; the last token is the forced end.
    const { sequences: short } = await model.generate(inputs, { maxLength: 3 });
    expect(short).toEqual([[111, tokens[1], 0]]);
    using brief = await load({ max_length: 3 });
    expect((await brief.generate(inputs)).sequences).toEqual(short);
    using unforced = await load({ forced_eos_token_id: null });
    const { sequences: cut } = await unforced.generate(inputs, { maxNewTokens: 2 });
    expect(cut).toEqual([tokens.slice(0, 3)]);

    const { sequences: other } = await model.generate(inputs, {
      maxNewTokens: 30,
      suppressTokens: [tokens[1]!],
    });
    expect(other[0]![1]).not.toBe(tokens[1]);
    // It lasts for the call only.
    expect(await model.generate(inputs, { maxNewTokens: 30 })).toEqual(free);
    const { sequences: begun } = await model.generate(inputs, {
      maxNewTokens: 2,
      forcedBosTokenId: 42,
    });
    expect(begun).toEqual([[111, 42, 0]]);

    // A prompt of the caller's: the search goes on from there.
    const prompt = tokens.slice(0, 3);
    const { sequences: on } = await model.generate(
      { ...inputs, decoderInputIds: [prompt] },
      { maxLength: 31 },
    );
    expect(ended(on[0]!)).toEqual(tokens);
    // The start token is put in front of a prompt that lacks it.
    const { sequences: bare } = await model.generate(
      { ...inputs, decoderInputIds: [prompt.slice(1)] },
      { maxLength: 31 },
    );
    expect(bare).toEqual(on);

    // An end token that comes first ends the sequence there.
    using early = await load({ eos_token_id: [0, tokens[2]] });
    expect((await early.generate(inputs, { maxNewTokens: 30 })).sequences).toEqual([
      tokens.slice(0, 3),
    ]);
  }));

test('padding tokens are known without a mask, unless they may be ends', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('llama_gqa'), { gpu });
    const [pad, end] = [0, 2];
    const inputIds = [
      [pad, pad, 9, 23, 4],
      [7, 30, 9, 23, 4],
    ];
    const attentionMask = [
      [0, 0, 1, 1, 1],
      [1, 1, 1, 1, 1],
    ];
    const settings = { maxNewTokens: 6, padTokenId: pad, eosTokenId: end };
    const masked = await model.generate({ inputIds, attentionMask }, settings);
    expect(await model.generate({ inputIds }, settings)).toEqual(masked);
    const all = attentionMask.map((row) => row.map(() => 1));
    const whole = await model.generate({ inputIds, attentionMask: all }, settings);
    expect(whole).not.toEqual(masked);
    const ambiguous = { ...settings, eosTokenId: [end, pad] };
    const unmasked = await model.generate({ inputIds }, ambiguous);
    expect(unmasked).toEqual(await model.generate({ inputIds, attentionMask: all }, ambiguous));
  }));
