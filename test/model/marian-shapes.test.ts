// Marian checkpoints of awkward shapes and formats, against the whole model in float64.
import { expect, test } from 'vitest';
import { type DenseTensor, type Gpu, loadModel, type Model } from 'webgpu-transformer';
import { type MarianReference, marianReference } from '../reference/marian.ts';
import { expectClose } from '../support/expected.ts';
import { readFixture, readFixtureJson } from '../support/fixture.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { checkpointOf, randomMarian, sharded, type Stored } from '../support/marian-checkpoint.ts';
import { Random } from '../support/random.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../support/source.ts';

const gpus = await testGpus();
const fixture = {
  config: (await readFixtureJson('marian/config.json')) as Record<string, unknown>,
  weights: readValues(await readFixture('marian/model.safetensors')),
};

interface Batch {
  readonly inputIds: number[][];
  readonly attentionMask: number[][];
  readonly decoderInputIds: number[][];
}

/** A batch whose row r has r · `step` tokens of padding, on the left in odd rows. */
function draw(
  random: Random,
  rows: number,
  S: number,
  T: number,
  vocabulary = 53,
  step = 1,
): Batch {
  const ids = (length: number): number[] => [...random.indices(length, vocabulary)];
  return {
    inputIds: Array.from({ length: rows }, () => ids(S)),
    attentionMask: Array.from({ length: rows }, (_, row) => {
      const hidden = Math.min(row * step, S - 1);
      return Array.from({ length: S }, (_unused, place) =>
        Number(row % 2 === 1 ? place >= hidden : place < S - hidden),
      );
    }),
    decoderInputIds: Array.from({ length: rows }, () => ids(T)),
  };
}

/** The reference's logits of a batch, (B, T, vocabulary). */
function logitsOf(reference: MarianReference, batch: Batch): DenseTensor {
  const rows = batch.inputIds.map((ids, row) =>
    reference.forward(ids, batch.attentionMask[row]!, batch.decoderInputIds[row]!),
  );
  const shape = [rows.length, rows[0]!.length, rows[0]![0]!.length];
  return { shape, data: Float32Array.from(rows.flat().flatMap((row) => [...row])) };
}

async function expectForward(
  model: Model,
  reference: MarianReference,
  batch: Batch,
): Promise<void> {
  const { logits } = await model.forward(batch);
  expectClose(logits, logitsOf(reference, batch), `logits of ${batch.inputIds[0]!.length} tokens`);
}

/** Expects the reference's tokens, and that they were not a matter of rounding. */
async function expectGreedy(
  model: Model,
  reference: MarianReference,
  { inputIds, attentionMask }: Batch,
  maxNewTokens: number,
): Promise<void> {
  const wanted = inputIds.map((ids, row) =>
    reference.greedy(ids, attentionMask[row]!, maxNewTokens),
  );
  expect(Math.min(...wanted.map(({ margin }) => margin))).toBeGreaterThan(2e-4);
  const longest = Math.max(...wanted.map(({ tokens }) => tokens.length));
  const { sequences } = await model.generate({ inputIds, attentionMask }, { maxNewTokens });
  expect(sequences).toEqual(
    wanted.map(({ tokens }) => [...tokens, ...Array<number>(longest - tokens.length).fill(0)]),
  );
}

async function withModel(
  gpu: Gpu,
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  work: (model: Model) => Promise<void>,
  dtype?: 'f32' | 'f16',
): Promise<void> {
  using model = await loadModel(memorySource(files), { gpu, ...(dtype && { dtype }) });
  await work(model);
}

const odd: [string, Record<string, unknown>, Stored, number?][] = [
  ['heads of 7', { d_model: 42, encoder_attention_heads: 6, decoder_attention_heads: 6 }, 'F32'],
  ['heads of 9 in f16', { d_model: 36, encoder_ffn_dim: 41, max_position_embeddings: 33 }, 'F16'],
  [
    'an odd width in bf16, two vocabularies',
    {
      d_model: 21,
      encoder_attention_heads: 3,
      decoder_attention_heads: 7,
      vocab_size: 31,
      decoder_vocab_size: 53,
      share_encoder_decoder_embeddings: false,
      activation_function: 'swish',
    },
    'BF16',
  ],
  [
    'one wide head in f16, an output layer of its own',
    {
      d_model: 83,
      encoder_attention_heads: 1,
      decoder_attention_heads: 1,
      encoder_layers: 2,
      decoder_layers: 1,
      tie_word_embeddings: false,
      scale_embedding: false,
    },
    'F16',
  ],
  ['layers so quiet that epsilon shows', {}, 'F32', 0.03],
];

for (const { name, options } of gpus) {
  test(`odd shapes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [index, [what, fields, dtype, gain]] of odd.entries()) {
        const { config, weights, files } = randomMarian(40 + index, fields, dtype, gain);
        const reference = marianReference(config, weights);
        const batch = draw(new Random(index), 3, 7, 5, Number(config['vocab_size']), 2);
        await withModel(gpu, files, async (model) => {
          await expectForward(model, reference, batch).catch((error: unknown) => {
            throw new Error(`${what}: ${String(error)}`, { cause: error });
          });
          // Quiet layers leave every token much the same chance.
          if (gain === undefined) await expectGreedy(model, reference, batch, 18);
        });
      }
    }));

  test(`lengths around the steps that lists are padded to, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const reference = marianReference(fixture.config, fixture.weights);
      using model = await loadModel(fixtureSource('marian'), { gpu });
      const lengths = [
        [1, 1],
        [15, 17],
        [16, 16],
        [17, 15],
        [31, 33],
        [32, 1],
        [33, 40],
        [40, 32],
      ];
      for (const [S = 0, T = 0] of lengths) {
        await expectForward(model, reference, draw(new Random(S), 2, S, T, 111, 3));
      }
    }));
}

test('weights in other formats, and in several files', () =>
  withGpu(gpus[0]!.options, async (gpu) => {
    const { config, weights } = fixture;
    const { 'generation_config.json': generation } = await fixtureFiles('marian');
    const batch = draw(new Random(7), 3, 9, 6, 111);
    const forward = async (
      files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
      dtype?: 'f32' | 'f16',
    ): Promise<DenseTensor> => {
      let logits: DenseTensor | undefined;
      const all = { ...files, ...(generation && { 'generation_config.json': generation }) };
      await withModel(gpu, all, async (m) => void ({ logits } = await m.forward(batch)), dtype);
      return logits!;
    };
    const single = checkpointOf(config, weights, 'F32').files;
    const exact = await forward(single);
    expectClose(exact, logitsOf(marianReference(config, weights), batch), 'f32');

    // The same numbers from other files.
    const { 'model.safetensors': _single, ...rest } = single;
    const shards = sharded(weights, 2);
    expect(Object.keys(shards)).toHaveLength(3);
    expect(await forward({ ...rest, ...shards })).toEqual(exact);

    for (const dtype of ['F16', 'BF16'] as const) {
      const rounded = checkpointOf(config, weights, dtype);
      const stored = await forward(rounded.files);
      expectClose(stored, logitsOf(marianReference(config, rounded.weights), batch), dtype);
      expectClose(await forward(rounded.files, 'f32'), stored, `${dtype} widened`);
      // Rounding the weights does change the result, by about its size.
      const unit = dtype === 'F16' ? 2 ** -11 : 2 ** -8;
      expectClose(stored, exact, `${dtype} next to f32`, undefined, 40 * unit);
      expect(() => expectClose(stored, exact, dtype, undefined, unit / 10)).toThrow('off by');
    }
    // Rounding on the way: matrices only.
    const matrices = new Map(
      [...weights].map(([key, { shape, data }]) => {
        if (shape.length < 2 || shape[0] === 1) return [key, { shape, data }];
        const { weights: one } = checkpointOf({}, new Map([[key, { shape, data }]]), 'F16');
        return [key, one.get(key)!];
      }),
    );
    expectClose(
      await forward(single, 'f16'),
      logitsOf(marianReference(config, matrices), batch),
      "dtype: 'f16'",
    );
  }));
