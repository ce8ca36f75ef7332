// Marian checkpoints of any shape in memory, with weights drawn from a seed, and copies of
// checkpoints in other storage formats.

import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/source/float16.ts';
import { Random } from './random.ts';
import { safetensorsFile, type StoredTensor } from './safetensors.ts';
import { type Files, type Values, withFields } from './source.ts';

export type Stored = 'F32' | 'F16' | 'BF16';

export interface Checkpoint {
  readonly config: Record<string, unknown>;
  /** The weights as the formats of `files` hold them. */
  readonly weights: Map<string, Values>;
  readonly files: Files;
}

const defaults = {
  model_type: 'marian',
  d_model: 32,
  encoder_layers: 1,
  decoder_layers: 2,
  encoder_attention_heads: 4,
  decoder_attention_heads: 4,
  encoder_ffn_dim: 37,
  decoder_ffn_dim: 37,
  activation_function: 'relu',
  max_position_embeddings: 40,
  vocab_size: 53,
  scale_embedding: true,
  decoder_start_token_id: 0,
  pad_token_id: 0,
  eos_token_id: 1,
};

/**
 * A checkpoint with random weights. `fields` are those of config.json that differ from defaults.
 * With a small `gain`, what the layers add up is so small that the ε of their norms shows.
 */
export function randomMarian(
  seed: number,
  fields: Readonly<Record<string, unknown>>,
  dtype: Stored = 'F32',
  gain = 1,
): Checkpoint {
  const config: Record<string, unknown> = { ...defaults, ...fields };
  const size = (name: string): number => Number(config[name]);
  const random = new Random(seed);
  const weights = new Map<string, Values>();
  const draw = (name: string, shape: number[], scale: number, mean = 0): void => {
    const count = shape.reduce((product, n) => product * n, 1);
    weights.set(name, { shape, data: random.values(count, { scale, mean, outliers: 0 }) });
  };
  const d = size('d_model');
  const linear = (name: string, out: number, input: number): void => {
    draw(`${name}.weight`, [out, input], 1.5 / Math.sqrt(input));
    draw(`${name}.bias`, [out], 0.3 * gain);
  };
  const norm = (name: string): void => {
    draw(`${name}.weight`, [d], 0.2 * gain, gain);
    draw(`${name}.bias`, [d], 0.2 * gain);
  };
  const attention = (name: string): void => {
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) linear(`${name}.${part}`, d, d);
  };
  const vocabulary = Number(config['decoder_vocab_size'] ?? config['vocab_size']);
  if (config['share_encoder_decoder_embeddings'] === false) {
    draw('model.encoder.embed_tokens.weight', [size('vocab_size'), d], 1 / Math.sqrt(d));
    draw('model.decoder.embed_tokens.weight', [vocabulary, d], 1 / Math.sqrt(d));
  } else {
    draw('model.shared.weight', [vocabulary, d], 1 / Math.sqrt(d));
  }
  if (config['tie_word_embeddings'] === false) draw('lm_head.weight', [vocabulary, d], 0.2);
  draw('final_logits_bias', [1, vocabulary], 0.5 * gain);
  for (const side of ['encoder', 'decoder']) {
    for (let layer = 0; layer < size(`${side}_layers`); layer++) {
      const name = `model.${side}.layers.${layer}`;
      attention(`${name}.self_attn`);
      norm(`${name}.self_attn_layer_norm`);
      if (side === 'decoder') {
        attention(`${name}.encoder_attn`);
        norm(`${name}.encoder_attn_layer_norm`);
      }
      linear(`${name}.fc1`, size(`${side}_ffn_dim`), d);
      linear(`${name}.fc2`, d, size(`${side}_ffn_dim`));
      norm(`${name}.final_layer_norm`);
    }
  }
  return checkpointOf(config, weights, dtype);
}

/** A checkpoint with these weights, rounded to a storage format. */
export function checkpointOf(
  config: Record<string, unknown>,
  weights: ReadonlyMap<string, Values>,
  dtype: Stored,
): Checkpoint {
  const rounded = new Map<string, Values>();
  const stored: Record<string, StoredTensor> = {};
  for (const [name, { shape, data }] of weights) {
    const kept = store(data, dtype);
    stored[name] = { dtype, shape, bytes: kept.bytes };
    rounded.set(name, { shape, data: kept.values });
  }
  const files = {
    'config.json': withFields(undefined, config),
    'model.safetensors': safetensorsFile(stored),
  };
  return { config, weights: rounded, files };
}

/** The same weights in `count` files with their index, in order of their names' turn. */
export function sharded(weights: ReadonlyMap<string, Values>, count: number): Files {
  const shards = Array.from({ length: count }, (): Record<string, StoredTensor> => ({}));
  const weightMap: Record<string, string> = {};
  const fileOf = (index: number): string => `model-0000${index + 1}-of-0000${count}.safetensors`;
  for (const [turn, [name, { shape, data }]] of [...weights].entries()) {
    const { bytes } = store(data, 'F32');
    shards[turn % count]![name] = { dtype: 'F32', shape, bytes };
    weightMap[name] = fileOf(turn % count);
  }
  return {
    ...Object.fromEntries(shards.map((tensors, i) => [fileOf(i), safetensorsFile(tensors)])),
    'model.safetensors.index.json': withFields(undefined, { weight_map: weightMap }),
  };
}

/** Bytes in a format, and the values those bytes stand for. */
function store(
  data: Float32Array<ArrayBuffer>,
  dtype: Stored,
): { bytes: Uint8Array; values: Float32Array<ArrayBuffer> } {
  if (dtype === 'F32') return { bytes: new Uint8Array(data.slice().buffer), values: data };
  const bits = dtype === 'F16' ? float32ToFloat16(data) : float32ToBfloat16(data);
  const values = dtype === 'F16' ? float16ToFloat32(bits) : bfloat16ToFloat32(bits);
  return { bytes: new Uint8Array(bits.buffer), values };
}
