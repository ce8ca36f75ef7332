// What decoders of Llama's kind are put together from: plain parts by the names of Hugging Face's checkpoints. A
// family says in its file which of them its layers have, and puts its own in place of the others.

import { paddingOf } from '../../layers/embeddings.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { causalHead, type CausalOutput, tieOutput } from '../../heads/causal-head.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import { type Block, preNorm } from '../../layers/block.ts';
import type { PerLayerVectors } from '../../layers/embeddings.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import type { LayerWeights, Streams } from '../../layers/stack.ts';
import type { HeadNorm } from '../../../shaders/attention/heads/split-heads.ts';
import type { Activation } from '../../../shaders/matmul/matmul.ts';
import type { NormWeights, RmsNormWeights } from '../../../shaders/rows/norm.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { RotaryTables } from '../rotary-tables.ts';

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

/** Columns of a head at most, so that a file which lies is told so before tables are made for it. */
const mostColumns = 2 ** 16;

/** `eps`: where config.json says nothing. */
export function llamaSizes(config: Config, eps: number = 1e-6): LlamaSizes {
  return { ...headSizes(config, eps), width: config.integer('intermediate_size') };
}

/** All but d_ff. */
export function headSizes(config: Config, eps: number = 1e-6): Omit<LlamaSizes, 'width'> {
  const size = config.integer('hidden_size');
  const heads = config.integer('num_attention_heads');
  const keyValueHeads = config.integer('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) config.refuse('num_key_value_heads');
  return {
    size,
    heads,
    keyValueHeads,
    headSize: config.integer('head_dim', size / heads, 1, mostColumns),
    eps: config.positive('rms_norm_eps', eps),
  };
}

/** The norm `name`. */
export type RmsNorm = (name: string) => RmsNormWeights;

/** `offset`: 1 where weights are stored as differences from 1. */
export function rmsNorms(
  loader: WeightLoader,
  { size, eps }: Pick<LlamaSizes, 'size' | 'eps'>,
  offset: number = 0,
): RmsNorm {
  return (name) => ({ weight: loader.vector(`${name}.weight`, size), eps, offset });
}

/** What attention is at least. */
export type Heads = Pick<
  SelfAttentionWeights,
  'heads' | 'keyValueHeads' | 'headSize' | 'queryKeyValue' | 'output'
>;

/** Heads by projections of their own. `input`: whether those have biases; `output`: whether what joins them has one. */
export function llamaHeads(
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize }: LlamaSizes,
  { input = false, output = input }: { readonly input?: boolean; readonly output?: boolean } = {},
): Heads {
  return {
    heads,
    keyValueHeads,
    headSize,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize],
      size,
      { bias: input },
    ),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias: output }),
  };
}

/** Norms of each query and each key. `offset`: as of `rmsNorms`. */
export function headNorms(
  loader: WeightLoader,
  prefix: string,
  { headSize, eps }: LlamaSizes,
  offset: number = 0,
): HeadNorm {
  const names = [`${prefix}.q_norm.weight`, `${prefix}.k_norm.weight`];
  return { weight: loader.vector(names, headSize), eps, offset };
}

/** Whether attention has biases, by the usual name. */
export function attentionBias(config: Config): { readonly input: boolean } {
  return { input: config.boolean('attention_bias', false) };
}

/**
 * "We replace the ReLU non-linearity by the SwiGLU activation function", arXiv 2302.13971, §2.2.
 * `activation`: the one that gates.
 */
export function llamaMlp(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size, width }: Pick<LlamaSizes, 'size' | 'width'>,
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

/** A layer by its number, of the weights whose names begin with `prefix`. */
export type Layer = (prefix: string, index: number) => LayerWeights;

/** What the layers of a model stand in. */
export interface LlamaFrame {
  readonly block?: Block;
  readonly norm: (name: string) => NormWeights;
  /** What the last norm is called; `norm` when absent. */
  readonly lastNorm?: string;
  readonly rotary: RotaryTables;
  /** Factor of the embeddings. */
  readonly embeddingScale?: number;
  /** What layers take of the tokens themselves; `root`: what names of the base model begin with. */
  readonly perLayer?: ((root: string) => PerLayerVectors) | undefined;
  /** What layers hand on in place of one vector a token; `root`: likewise. */
  readonly streams?: ((root: string) => Streams) | undefined;
  /** Whether the output layer is the embedding again where config.json does not say. */
  readonly tied?: boolean;
  /** Factor and bound of the logits. */
  readonly output?: CausalOutput;
}

/** The model around the layers: embeddings, the last norm, and the head that `architectures` names. */
export function llamaModel(
  config: Config,
  loader: WeightLoader,
  {
    block = preNorm,
    norm,
    lastNorm = 'norm',
    rotary,
    embeddingScale = 1,
    perLayer,
    streams,
    tied = false,
    output,
  }: LlamaFrame,
  layer: Layer,
): SequenceDefinition {
  const root = baseRoot(config, loader, 'model.', `${lastNorm}.weight`);
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
      ...rotary.reading(() => config.integer('max_position_embeddings')),
      embeddings: {
        tokens,
        padding: paddingOf(config),
        scale: embeddingScale,
        perLayer: perLayer?.(root),
      },
    }),
    stack: {
      block,
      layers,
      streams: streams?.(root),
      finalNorm: norm(root + lastNorm),
      normalizesLastState: streams === undefined,
    },
    causal: true,
    head: causalHead(config, loader, { tokens }, output),
  };
}

/** Attention by its layer, of the weights whose names begin with `prefix`. */
export type Attention = (prefix: string, layer: number) => SelfAttentionWeights;

/** Llama's layers around another attention: norms before both sub-layers, SwiGLU. */
export function llamaLayer(
  config: Config,
  loader: WeightLoader,
  sizes: LlamaSizes,
  attention: Attention,
): Layer {
  const norm = rmsNorms(loader, sizes);
  return (prefix, index) => ({
    selfAttention: attention(`${prefix}.self_attn`, index),
    selfAttentionNorm: norm(`${prefix}.input_layernorm`),
    feedForward: llamaMlp(config, loader, `${prefix}.mlp`, sizes),
    feedForwardNorm: norm(`${prefix}.post_attention_layernorm`),
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
