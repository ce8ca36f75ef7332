// What tests of the trainer share: a tiny model, batches to train it on, all that a trainer keeps as
// bytes, and a folder in memory.

import { type Gpu, loadModel, type Model, type ModelInputs, type Source } from 'webgpu-transformer';
import {
  initialCheckpoint,
  sequenceBatch,
  type Target,
  Trainer,
  type TrainerOptions,
} from 'webgpu-transformer/training';
import type { JsonObject } from '../../src/source/json.ts';
import { readParameters, writeParameters } from '../../src/model/weights/read-parameters.ts';
import { readBack } from '../../src/runtime/read-back.ts';
import { Random } from './random.ts';
import { memorySource } from './source.ts';

export const vocabulary = 19;

/** config.json of the tiny model: one layer each, with dropout. */
export const tinyConfig: JsonObject = {
  model_type: 'marian',
  d_model: 8,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  encoder_ffn_dim: 12,
  decoder_ffn_dim: 12,
  activation_function: 'relu',
  max_position_embeddings: 16,
  vocab_size: vocabulary,
  scale_embedding: true,
  dropout: 0.1,
  attention_dropout: 0.1,
  activation_dropout: 0.1,
  decoder_start_token_id: 0,
  pad_token_id: 0,
  eos_token_id: 1,
};

/** A new tiny checkpoint. */
export function tinySource(seed = 1): Source {
  return initialCheckpoint(tinyConfig, { seed });
}

/** The tiny model, ready to train. */
export function tinyModel(gpu: Gpu, source: Source = tinySource()): Promise<Model> {
  return loadModel(source, { gpu, training: true });
}

/** Batch number `index` of an endless run: pairs of unequal lengths, from 2 to 7 tokens. */
export function tinyBatch(index: number, size = 3): ModelInputs {
  const random = new Random(1000 + index);
  const sequence = (): number[] => [
    ...random.indices(random.integer(1, 6), vocabulary - 2).map((id) => id + 2),
    1,
  ];
  const pairs = Array.from({ length: size }, () => ({ source: sequence(), target: sequence() }));
  return sequenceBatch(pairs, 0);
}

/** Two batches as one; both are padded to 7 tokens. */
export function joined(a: ModelInputs, b: ModelInputs): ModelInputs {
  const rows = (name: 'inputIds' | 'attentionMask' | 'labels', value: number): number[][] =>
    ([...(a[name] ?? []), ...(b[name] ?? [])] as number[][]).map((row) => [
      ...row,
      ...Array<number>(7 - row.length).fill(value),
    ]);
  return {
    inputIds: rows('inputIds', 0),
    attentionMask: rows('attentionMask', 0),
    labels: rows('labels', -100),
  };
}

/** Everything a run goes on from, as words: parameters, optimizer states, counters, how far it is. */
export interface Snapshot {
  readonly parameters: readonly number[][];
  readonly states: readonly number[][];
  readonly counters: readonly number[];
  readonly step: number;
  readonly batchesUsed: number;
}

export async function snapshot(trainer: Trainer): Promise<Snapshot> {
  const { gpu, state, step, batchesUsed } = trainer;
  const read = async (tensors: Parameters<typeof readBack>[1]): Promise<number[][]> =>
    (await readBack(gpu, tensors)).map((bytes) => [...new Uint32Array(bytes)]);
  const [parameters, states, [counters = []]] = await Promise.all([
    read(state.parameters.segments),
    read(state.runs.flatMap((run) => run.states)),
    read([state.counters]),
  ]);
  return { parameters, states, counters, step, batchesUsed };
}

/** A folder in memory to save to and load from. */
export class MemoryTarget implements Target {
  readonly files: Record<string, Uint8Array<ArrayBuffer>> = {};

  async write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.files[file] = bytes.slice();
  }

  get source(): Source {
    return memorySource(this.files);
  }
}

/** A run of the tiny model, which is there until `work` is done. */
export async function withTrainer<T>(
  gpu: Gpu,
  options: Partial<TrainerOptions>,
  work: (trainer: Trainer, model: Model) => Promise<T>,
  source: Source = tinySource(),
): Promise<T> {
  const model = await tinyModel(gpu, source);
  const trainer = new Trainer(model, { learningRate: 0.01, seed: 5, ...options });
  try {
    return await work(trainer, model);
  } finally {
    trainer.dispose();
    model.dispose();
  }
}

/** Makes a parameter that every batch uses NaN. Resolves with what undoes that. */
export async function poison(
  { gpu, state }: Trainer,
  value: number = NaN,
): Promise<() => Promise<void>> {
  const { parameters } = state;
  const before = await readParameters(gpu, parameters);
  const name = 'model.decoder.layers.0.final_layer_norm.weight';
  const { shape, data } = before.get(name)!;
  const broken = { shape, data: Float32Array.from(data).fill(value, 0, 1) };
  writeParameters(gpu, parameters, new Map([...before, [name, broken]]));
  return async () => writeParameters(gpu, parameters, before);
}

/** Trains up to a step. */
export async function trainTo(
  trainer: Trainer,
  maxSteps: number,
  batches: (index: number) => ModelInputs | undefined = tinyBatch,
): Promise<void> {
  for await (const { step } of trainer.steps(batches, { maxSteps })) {
    if (step > maxSteps) throw new Error(`step ${step} came after ${maxSteps}`);
  }
}
