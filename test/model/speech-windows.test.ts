// Windows of sound are encoded once, whatever is asked of them: the language, the text at several temperatures, whether
// anyone speaks, and when.
import { expect, test } from 'vitest';
import type { DenseTensor } from 'webgpu-transformer';
import { EncodedInput } from '../../src/model/speech/encoded-input.ts';
import { EncodedWindows, type Hearing } from '../../src/model/speech/hearing.ts';
import { speechTokens } from '../../src/model/speech/speech-options.ts';
import { transcribe } from '../../src/model/speech/transcribe.ts';

const [vocabulary, frames] = [60, 4];
const file = {
  decoder_start_token_id: 1,
  eos_token_id: 2,
  no_timestamps_token_id: 40,
  lang_to_id: { '<|de|>': 10, '<|en|>': 11 },
  task_to_id: { transcribe: 12 },
  is_multilingual: true,
  alignment_heads: [[0, 0]],
};

/** A model whose encoder gives the first number of each window, for one step; `encoded` are these. */
function hearingOf(encoded: number[][]): Hearing {
  return {
    bins: 1,
    frames,
    tokens: speechTokens(file, {}, vocabulary),
    file,
    vocabulary,
    maxPositions: 20,
    medianWidth: 1,
    encode: ({ data, shape: [rows = 0] }) => {
      const states = Float32Array.from({ length: rows }, (_, row) => data[row * frames] ?? NaN);
      encoded.push([...states]);
      return Promise.resolve({ data: states, shape: [rows, 1, 1] });
    },
    sourceOf: (inputsEmbeds) => new EncodedInput().check({ inputsEmbeds }),
    logits: ({ decoderInputIds }) => {
      const shape = [decoderInputIds.length, decoderInputIds[0]?.length ?? 0, vocabulary];
      const data = new Float32Array(shape.reduce((a, b) => a * b));
      return Promise.resolve({ data, shape });
    },
    crossAttentions: ({ decoderInputIds: [row = []] }) =>
      Promise.resolve([
        { data: new Float32Array(row.length).fill(1), shape: [1, 1, row.length, 1] },
      ]),
    generation: {
      transcribe: ({ prompt: { tokens, source }, options }) => {
        expect(source?.batch).toBe(tokens.batch);
        const text = options.doSample ? [20, 2] : [20, 20, 2];
        return Promise.resolve({
          sequences: tokens.rows.map((row) => [...row, ...text]),
          logProbs: tokens.rows.map(() => text.map(() => (options.doSample ? -0.1 : -5))),
        });
      },
    },
  };
}

const features = (...rows: number[][]): DenseTensor => ({
  data: Float32Array.from(rows.flat()),
  shape: [rows.length, 1, rows[0]?.length ?? 0],
});

test('only windows that were not the last ones of their inputs', async () => {
  const encoded: number[][] = [];
  const sounds = features([1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16]);
  const windows = new EncodedWindows(hearingOf(encoded), sounds, undefined);
  const both = [0, 1].map((row) => ({ row, first: 0, end: 6 }));
  const [one, other] = [both[0]!, both[1]!];
  expect((await windows.states(both)).data).toEqual(Float32Array.of(1, 11));
  expect((await windows.states([other, one])).data).toEqual(Float32Array.of(11, 1));
  expect((await windows.states([{ ...one, first: 2 }, other])).data).toEqual(
    Float32Array.of(3, 11),
  );
  // What is cut off within the window is another one; what is cut off behind it is not.
  await windows.states([{ ...other, end: 3 }]);
  await windows.states([{ ...one, first: 2, end: 6 }]);
  expect(encoded).toEqual([[1, 11], [3], [11]]);
});

test('for all that a call asks', async () => {
  const encoded: number[][] = [];
  const { sequences, tokenTimestamps } = await transcribe(
    hearingOf(encoded),
    { inputFeatures: features([7, 0, 0, 0], [8, 0, 0, 0]) },
    {
      temperature: [0, 0.5],
      logprobThreshold: -1,
      noSpeechThreshold: 0.9,
      returnTokenTimestamps: true,
    },
  );
  expect(sequences).toEqual([
    [1, 10, 40, 20, 2],
    [1, 10, 40, 20, 2],
  ]);
  expect(tokenTimestamps).toHaveLength(2);
  expect(encoded).toEqual([[7, 8]]);
});
