// Whole models with drawn weights, as programs use them: by the wall clock, waits and all.

import { loadModel, type Source } from 'webgpu-transformer';
import { adamW, initialCheckpoint, Trainer } from 'webgpu-transformer/training';
import type { Bench } from './device.ts';
import type { Figure } from './measure.ts';

type Dtype = 'f32' | 'f16';

interface Size {
  readonly layers: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly tokens: number;
  readonly batch: number;
}

const base: Size = { layers: 12, width: 768, vocabulary: 50257, tokens: 128, batch: 8 };
const small: Size = { layers: 2, width: 128, vocabulary: 512, tokens: 32, batch: 2 };

const drawn = ({ layers, width, vocabulary, tokens }: Size, isEncoder: boolean): Source =>
  initialCheckpoint(
    isEncoder
      ? {
          architectures: ['BertModel'],
          model_type: 'bert',
          hidden_act: 'gelu',
          hidden_size: width,
          intermediate_size: 4 * width,
          layer_norm_eps: 1e-12,
          max_position_embeddings: 512,
          num_attention_heads: width / 64,
          num_hidden_layers: layers,
          type_vocab_size: 2,
          // An encoder reads a row of its vocabulary a token, however long that is.
          vocab_size: 512,
        }
      : {
          architectures: ['GPT2LMHeadModel'],
          model_type: 'gpt2',
          n_embd: width,
          n_head: width / 64,
          n_layer: layers,
          n_positions: 8 * tokens,
          vocab_size: vocabulary,
        },
  );

/** Token ids. */
const ids = (rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => (7 * column + 13 * row + 5) % 509),
  );

async function medianOf(rounds: number, work: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const time = await work();
    // The first one records and compiles.
    if (round >= 0) times.push(time);
  }
  return times.toSorted((a, b) => a - b)[rounds >> 1] ?? NaN;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function encoder({ gpu }: Bench, source: Source, size: Size, dtype: Dtype): Promise<Figure> {
  using model = await loadModel(source, { gpu, dtype });
  const inputs = { inputIds: ids(1, size.tokens) };
  const milliseconds = await medianOf(9, () => timed(() => model.forward(inputs)));
  const name = `encoder ${size.layers} × ${size.width}, ${size.tokens} tokens, ${dtype}`;
  return { name, milliseconds, by: 'wall clock' };
}

/** The time of one token more, from texts of two lengths. */
async function step({ gpu }: Bench, source: Source, size: Size, dtype: Dtype): Promise<Figure> {
  using model = await loadModel(source, { gpu, dtype });
  const inputs = { inputIds: ids(1, size.tokens) };
  const write = (count: number): Promise<number> =>
    timed(() => model.generate(inputs, { maxNewTokens: count, minNewTokens: count }));
  const [few, many] = [8, 72];
  await write(many);
  const milliseconds = await medianOf(5, async () => {
    const short = await write(few);
    return ((await write(many)) - short) / (many - few);
  });
  const name = `step of GPT-2 ${size.layers} × ${size.width} at past ${size.tokens}, ${dtype}`;
  return { name, milliseconds, by: 'wall clock' };
}

async function training({ gpu }: Bench, source: Source, size: Size): Promise<Figure> {
  using model = await loadModel(source, { gpu, training: true });
  const trainer = new Trainer(model, { optimizer: adamW(), learningRate: 1e-4 });
  const inputIds = ids(size.batch, size.tokens);
  const times: number[] = [];
  let before = performance.now();
  for await (const _ of trainer.steps(() => ({ inputIds, labels: inputIds }), { maxSteps: 8 })) {
    times.push(performance.now() - before);
    before = performance.now();
  }
  trainer.dispose();
  const milliseconds = times.slice(2).toSorted((a, b) => a - b)[3] ?? NaN;
  const shape = `${size.layers} × ${size.width}, ${size.batch} × ${size.tokens} tokens`;
  return { name: `training step of GPT-2 ${shape}`, milliseconds, by: 'wall clock' };
}

export function models(bench: Bench, isSmall: boolean): (() => Promise<Figure>)[] {
  const size = isSmall ? small : base;
  const encoderSource = drawn(size, true);
  const decoderSource = drawn(size, false);
  return [
    () => encoder(bench, encoderSource, size, 'f32'),
    () => encoder(bench, encoderSource, size, 'f16'),
    () => step(bench, decoderSource, size, 'f32'),
    () => step(bench, decoderSource, size, 'f16'),
    () => training(bench, decoderSource, size),
  ];
}
