// Llama (Touvron et al., 2023, arXiv 2302.13971 and 2307.09288): a pre-norm decoder with RMS norms,
// rotary positions, SwiGLU, and heads of keys and values shared by groups of queries. Its parts, from
// which Mistral, Qwen and Gemma are put together as well.

import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { causalHead, tieOutput } from '../heads/causal-head.ts';
import { baseRoot } from '../heads/head-name.ts';
import { tokenInput } from '../inputs/token-inputs.ts';
import type { SelfAttentionWeights } from '../layers/attention.ts';
import { type Block, preNorm } from '../layers/block.ts';
import type { FeedForwardWeights } from '../layers/feed-forward.ts';
import type { LayerWeights } from '../layers/stack.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { RotaryTables } from './rotary-tables.ts';
import type { RmsNormWeights } from '../../shaders/rows/norm.ts';

/** Declares the weights of a `Llama…` checkpoint. */
export function llama(config: Config, loader: WeightLoader): SequenceDefinition {
  const bias = config.boolean('attention_bias', false);
  layerTypes(config, ['full_attention']);
  return preNormLlama(config, loader, { bias: [bias, bias] });
}

/** Sizes by the names that Llama's config.json has for them. */
export interface LlamaSizes {
  readonly size: number;
  /** d_ff */
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Of all norms. */
  readonly eps: number;
}

export function llamaSizes(config: Config): LlamaSizes {
  const size = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  const keyValueHeads = config.integer('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) config.refuse('num_key_value_heads');
  return {
    size,
    width: config.integer('intermediate_size'),
    heads,
    keyValueHeads,
    headSize: config.integer('head_dim', size / heads),
    eps: config.positive('rms_norm_eps', 1e-6),
  };
}

/** The norm `name`. `offset`: 1 where weights are stored as differences from 1. */
export type LlamaNorm = (name: string) => RmsNormWeights;

export function llamaNorm(
  loader: WeightLoader,
  { size, eps }: LlamaSizes,
  offset: number = 0,
): LlamaNorm {
  return (name) => ({ weight: loader.vector(`${name}.weight`, size), eps, offset });
}

/** How a layer attends, where it does so otherwise than Llama. */
export interface LlamaAttention extends Pick<
  SelfAttentionWeights,
  'rotary' | 'window' | 'softcap' | 'scale'
> {
  /** Whether the projections of queries, keys and values have biases, and the output has one. */
  readonly bias?: readonly [queryKeyValue: boolean, output: boolean];
  /** Whether queries and keys are normalized, by `q_norm` and `k_norm`; what their weights are offset by. */
  readonly headNorm?: { readonly offset: number } | undefined;
}

export function llamaAttention(
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize, eps }: LlamaSizes,
  { bias: [inputBias, outputBias] = [false, false], headNorm, ...scoring }: LlamaAttention,
): SelfAttentionWeights {
  const norms = [`${prefix}.q_norm.weight`, `${prefix}.k_norm.weight`];
  return {
    heads,
    keyValueHeads,
    headSize,
    ...scoring,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize],
      size,
      { bias: inputBias },
    ),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias: outputBias }),
    headNorm: headNorm && { weight: loader.vector(norms, headSize), eps, ...headNorm },
  };
}

/**
 * "We replace the ReLU non-linearity by the SwiGLU activation function", arXiv 2302.13971, §2.2.
 * `activation`: the one that gates.
 */
export function llamaMlp(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, width }: LlamaSizes,
  activation: Activation = config.activation('hidden_act', 'silu'),
): FeedForwardWeights {
  const bias = { bias: config.boolean('mlp_bias', false) };
  return {
    kind: 'gated',
    inner: loader.linear([`${prefix}.gate_proj`, `${prefix}.up_proj`], width, size, bias),
    outer: loader.linear(`${prefix}.down_proj`, size, width, bias),
    activation,
  };
}

/** What a model of Llama's kind is put together from. */
export interface LlamaParts {
  readonly block: Block;
  readonly layer: (prefix: string, index: number) => LayerWeights;
  readonly norm: LlamaNorm;
  readonly rotary: RotaryTables;
  readonly embeddingScale?: number;
  /** Whether the output layer is the embedding again where config.json does not say. */
  readonly tied?: boolean;
  /** Bound of the logits. */
  readonly softcap?: number | undefined;
}

/** The model around the layers: embeddings, the last norm, and the head that `architectures` names. */
export function llamaModel(
  config: Config,
  loader: WeightLoader,
  { block, layer, norm, rotary, embeddingScale = 1, tied = false, softcap }: LlamaParts,
): SequenceDefinition {
  const root = baseRoot(config, loader, 'model.', 'norm.weight');
  const tokensName = `${root}embed_tokens.weight`;
  tieOutput(config, loader, tokensName, tied);
  const vocabulary = config.integer('vocab_size');
  const layers = Array.from({ length: config.layers('num_hidden_layers') }, (_, index) =>
    layer(`${root}layers.${index}`, index),
  );
  const size = config.integer('hidden_size');
  const tokens = loader.matrix(tokensName, vocabulary, size);
  return {
    ...tokenInput({
      vocabulary,
      maxPositions: rotary.grow ? Infinity : config.integer('max_position_embeddings'),
      embeddings: { tokens, scale: embeddingScale },
      ...(rotary.stretched.length > 0 && { rotary: rotary.stretched }),
    }),
    stack: { block, layers, finalNorm: norm(`${root}norm`), normalizesLastState: true },
    causal: true,
    head: causalHead(config, loader, { tokens }, softcap),
  };
}

/** Llama's layers, with what `attention` changes in all of them, and `window` in some. */
export function preNormLlama(
  config: Config,
  loader: WeightLoader,
  attention: LlamaAttention,
  window: (layer: number) => number | undefined = () => undefined,
): SequenceDefinition {
  const sizes = llamaSizes(config);
  const norm = llamaNorm(loader, sizes);
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  return llamaModel(config, loader, {
    block: preNorm,
    norm,
    rotary,
    layer: (prefix, index) => ({
      selfAttention: llamaAttention(loader, `${prefix}.self_attn`, sizes, {
        rotary: rotary.table(),
        window: window(index),
        ...attention,
      }),
      selfAttentionNorm: norm(`${prefix}.input_layernorm`),
      feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
      feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
    }),
  });
}

/** What each layer attends to, where `layer_types` says so. */
export function layerTypes(
  config: Config,
  known: readonly unknown[] = ['full_attention', 'sliding_attention'],
): readonly unknown[] | undefined {
  const list = config.get('layer_types');
  if (list === undefined) return undefined;
  const types: readonly unknown[] = Array.isArray(list) ? list : [];
  const isKnown = types.every((type) => known.includes(type));
  const isWhole = types.length === config.layers('num_hidden_layers');
  return isKnown && isWhole ? types : config.refuse('layer_types');
}
