// The training step that is compared: an encoder–decoder of 2 + 2 layers as in "Attention Is All You
// Need" (post-norm, ReLU, one embedding table for everything), with drawn weights and drawn tokens.

import type { JsonObject } from '../../src/source/json.ts';
import { sinusoidalPositions } from '../../src/model/layers/positional-encoding.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import type { Source } from '../../src/source/source.ts';
import { initialCheckpoint } from 'webgpu-transformer/training';

export interface Size {
  readonly dModel: number;
  readonly batch: number;
  /** Tokens of each source and of each target; nothing is padded. */
  readonly length: number;
  /** Left out unless asked for. */
  readonly slow?: boolean;
}

export const sizes: readonly Size[] = [
  { dModel: 128, batch: 32, length: 16 },
  { dModel: 256, batch: 16, length: 32, slow: true },
];

export const layers = 2;
export const heads = 4;
export const vocabulary = 512;
export const smoothing = 0.1;
export const normEps = 1e-5;
export const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/** An f32 array and its shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** The weights by name: matrices are (inputs, outputs), the three or two of an attention side by side. */
export type Weights = Readonly<Record<string, Values>>;

export interface Problem {
  readonly size: Size;
  readonly source: Source;
  readonly weights: Weights;
  /** (length, d_model) */
  readonly positions: Values;
  /** Token ids, (batch, length) each. */
  readonly inputIds: readonly (readonly number[])[];
  readonly decoderInputIds: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
}

const startToken = 0;

export async function problem(size: Size): Promise<Problem> {
  const { dModel, batch, length } = size;
  const config: JsonObject = {
    model_type: 'marian',
    vocab_size: vocabulary,
    decoder_vocab_size: vocabulary,
    d_model: dModel,
    encoder_layers: layers,
    decoder_layers: layers,
    encoder_attention_heads: heads,
    decoder_attention_heads: heads,
    encoder_ffn_dim: 4 * dModel,
    decoder_ffn_dim: 4 * dModel,
    activation_function: 'relu',
    dropout: 0,
    attention_dropout: 0,
    activation_dropout: 0,
    max_position_embeddings: 64,
    scale_embedding: true,
    layer_norm_eps: normEps,
    pad_token_id: 1,
    eos_token_id: 2,
    decoder_start_token_id: startToken,
  };
  const source = initialCheckpoint(config, { seed: 1 });
  const labels = tokens(batch, length, 7);
  return {
    size,
    source,
    weights: joined(await readValues(source)),
    positions: { shape: [length, dModel], data: sinusoidalPositions(length, dModel, 'halves') },
    inputIds: tokens(batch, length, 3),
    decoderInputIds: labels.map((row) => [startToken, ...row.slice(0, -1)]),
    labels,
  };
}

/** Rows of ids from 3 on, the same in every run. */
function tokens(batch: number, length: number, seed: number): number[][] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 3 + ((state >>> 8) % (vocabulary - 3));
  };
  return Array.from({ length: batch }, () => Array.from({ length }, next));
}

async function readValues(source: Source): Promise<Map<string, Values>> {
  const entries = await openSafetensors(source);
  const values = new Map<string, Values>();
  for (const { name, shape, start, end } of entries.values()) {
    values.set(name, { shape, data: new Float32Array((end - start) / 4) });
  }
  for await (const { entry, offset, bytes } of readTensors(source, entries.values())) {
    const data = values.get(entry.name)?.data;
    if (data !== undefined) new Uint8Array(data.buffer).set(bytes, offset);
  }
  return values;
}

/** The checkpoint's tensors as a general library takes them best: few products, none transposed. */
function joined(stored: ReadonlyMap<string, Values>): Weights {
  const of = (name: string): Values => {
    const values = stored.get(name);
    if (values === undefined) throw new RangeError(`the checkpoint has no ${name}`);
    return values;
  };
  const weights: Record<string, Values> = { embedding: of('model.shared.weight') };
  const linear = (name: string, prefixes: readonly string[]): void => {
    weights[`${name}.weight`] = sideBySide(prefixes.map((prefix) => of(`${prefix}.weight`)));
    const data = prefixes.flatMap((prefix) => [...of(`${prefix}.bias`).data]);
    weights[`${name}.bias`] = { shape: [data.length], data: Float32Array.from(data) };
  };
  const norm = (name: string, prefix: string): void => {
    for (const part of ['weight', 'bias']) weights[`${name}.${part}`] = of(`${prefix}.${part}`);
  };
  for (const stack of ['encoder', 'decoder']) {
    for (let layer = 0; layer < layers; layer++) {
      const from = `model.${stack}.layers.${layer}`;
      const to = `${stack}.${layer}`;
      const self = `${from}.self_attn`;
      linear(
        `${to}.self.qkv`,
        ['q_proj', 'k_proj', 'v_proj'].map((part) => `${self}.${part}`),
      );
      linear(`${to}.self.out`, [`${self}.out_proj`]);
      norm(`${to}.self.norm`, `${self}_layer_norm`);
      if (stack === 'decoder') {
        const cross = `${from}.encoder_attn`;
        linear(`${to}.cross.q`, [`${cross}.q_proj`]);
        linear(`${to}.cross.kv`, [`${cross}.k_proj`, `${cross}.v_proj`]);
        linear(`${to}.cross.out`, [`${cross}.out_proj`]);
        norm(`${to}.cross.norm`, `${cross}_layer_norm`);
      }
      linear(`${to}.feed.inner`, [`${from}.fc1`]);
      linear(`${to}.feed.outer`, [`${from}.fc2`]);
      norm(`${to}.feed.norm`, `${from}.final_layer_norm`);
    }
  }
  return weights;
}

/** Matrices of (outputs, inputs) as one of (inputs, all outputs). */
function sideBySide(parts: readonly Values[]): Values {
  const inputs = parts[0]?.shape[1] ?? 0;
  const outputs = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const data = new Float32Array(inputs * outputs);
  let first = 0;
  for (const { shape, data: values } of parts) {
    const rows = shape[0] ?? 0;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < inputs; i++) {
        data[i * outputs + first + row] = values[row * inputs + i] ?? NaN;
      }
    }
    first += rows;
  }
  return { shape: [inputs, outputs], data };
}
