// Llama (Touvron et al., 2023, arXiv 2302.13971 and 2307.09288): a pre-norm decoder with RMS norms,
// rotary positions, SwiGLU, and heads of keys and values shared by groups of queries. Mistral, Qwen
// and Gemma vary it; `llamaLayers` takes what they change.

import type { Activation } from '../../shaders/matmul/matmul.ts';
import { rotaryTurns } from '../../shaders/attention/heads.ts';
import type { SelfAttentionWeights } from '../layers/attention.ts';
import { causalHead, tieOutput } from '../heads/causal-head.ts';
import type { Config } from '../config.ts';
import type { SequenceDefinition, StretchedRotary } from '../definitions.ts';
import type { NormWeights } from '../layers/normalization.ts';
import { readRotary, type RotaryOptions } from '../layers/rotary.ts';
import type { WeightLoader } from '../weights/weights.ts';
import { type Block, preNorm, type SublayerNorm } from '../layers/block.ts';

/** Where models that are built like Llama differ from it. */
export interface LlamaVariant {
  /** Whether the projections of queries, keys and values have biases, and the output has one. */
  readonly attentionBias?: readonly [queryKeyValue: boolean, output: boolean];
  readonly activation?: Activation;
  /** Whether queries and keys are normalized, by `q_norm` and `k_norm`. */
  readonly headNorm?: boolean;
  /** Added to the weights of norms: 1 where they are stored as differences from 1. */
  readonly normOffset?: number;
  /** The sliding window of a layer; all tokens where it has none. */
  readonly window?: (layer: number) => number | undefined;
  readonly rotary?: (layer: number) => Omit<RotaryOptions, 'headSize'>;
  /** Factor of the scores; 1/√d_k when absent. */
  readonly scale?: number;
  readonly softcap?: number | undefined;
  readonly outputSoftcap?: number | undefined;
  readonly embeddingScale?: number;
  /** Whether the output layer is the embedding again where config.json does not say. */
  readonly tied?: boolean;
  readonly block?: Block;
  /** The norms of a layer, where they are not Llama's two. */
  readonly norms?: (
    norm: (name: string) => NormWeights,
  ) => readonly [selfAttention: SublayerNorm, feedForward: SublayerNorm];
}

/** Declares the weights of a `Llama…` checkpoint. */
export function llama(config: Config, loader: WeightLoader): SequenceDefinition {
  const bias = config.boolean('attention_bias', false);
  layerTypes(config, ['full_attention']);
  return llamaLayers(config, loader, { attentionBias: [bias, bias] });
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
  const isWhole = types.length === config.integer('num_hidden_layers');
  return isKnown && isWhole ? types : config.refuse('layer_types');
}

export function llamaLayers(
  config: Config,
  loader: WeightLoader,
  variant: LlamaVariant,
): SequenceDefinition {
  const { attentionBias = [false, false], normOffset = 0, block = preNorm } = variant;
  const root = loader.root(['model.', ''], 'norm.weight');
  const tokensName = `${root}embed_tokens.weight`;
  const { tied = false, outputSoftcap, embeddingScale = 1 } = variant;
  tieOutput(config, loader, tokensName, tied);
  const size = config.integer('hidden_size');
  const width = config.integer('intermediate_size');
  const heads = config.integer('num_attention_heads');
  const keyValueHeads = config.integer('num_key_value_heads', heads);
  const headSize = config.integer('head_dim', size / heads);
  const eps = config.number('rms_norm_eps', 1e-6);
  const vocabulary = config.integer('vocab_size');
  const activation = variant.activation ?? config.activation('hidden_act', 'silu');
  const mlpBias = { bias: config.boolean('mlp_bias', false) };
  if (heads % keyValueHeads !== 0) config.refuse('num_key_value_heads');

  // Layers with the same settings share their frequencies.
  const rotaries = new Map<string, SelfAttentionWeights['rotary']>();
  const stretched: StretchedRotary[] = [];
  const rotaryOf = (layer: number): SelfAttentionWeights['rotary'] => {
    const options = { headSize, ...variant.rotary?.(layer) };
    const key = JSON.stringify(options);
    if (!rotaries.has(key)) {
      const frequencies = readRotary(config, options);
      const values = rotaryTurns(frequencies.frequencies(1));
      const turns = loader.computed('rotary', [values.length / 2, 2], values);
      rotaries.set(key, { turns, scale: frequencies.scale });
      if (frequencies.steadyLength < Infinity) stretched.push({ turns, frequencies });
    }
    return rotaries.get(key);
  };
  const norm = (name: string): NormWeights => ({
    weight: loader.vector(`${name}.weight`, size),
    eps,
    offset: normOffset,
  });
  const attend = (prefix: string, layer: number): SelfAttentionWeights => ({
    heads,
    keyValueHeads,
    headSize,
    ...(variant.scale !== undefined && { scale: variant.scale }),
    softcap: variant.softcap,
    window: variant.window?.(layer),
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize],
      size,
      { bias: attentionBias[0] },
    ),
    output: loader.linear(`${prefix}.o_proj`, size, heads * headSize, { bias: attentionBias[1] }),
    rotary: rotaryOf(layer),
    headNorm:
      variant.headNorm === true
        ? {
            weight: loader.vector([`${prefix}.q_norm.weight`, `${prefix}.k_norm.weight`], headSize),
            eps,
            offset: normOffset,
          }
        : undefined,
  });
  const layers = Array.from({ length: config.integer('num_hidden_layers') }, (_, index) => {
    const prefix = `${root}layers.${index}`;
    const named = (name: string): NormWeights => norm(`${prefix}.${name}`);
    const [selfAttentionNorm, feedForwardNorm] = variant.norms?.(named) ?? [
      named('input_layernorm'),
      named('post_attention_layernorm'),
    ];
    return {
      selfAttention: attend(`${prefix}.self_attn`, index),
      selfAttentionNorm,
      feedForward: {
        kind: 'gated' as const,
        inner: loader.linear(
          [`${prefix}.mlp.gate_proj`, `${prefix}.mlp.up_proj`],
          width,
          size,
          mlpBias,
        ),
        outer: loader.linear(`${prefix}.mlp.down_proj`, size, width, mlpBias),
        activation,
      },
      feedForwardNorm,
    };
  });
  const tokens = loader.matrix(tokensName, vocabulary, size);
  const grows = stretched.some(({ frequencies }) => frequencies.grows);
  return {
    vocabulary,
    maxPositions: grows ? Infinity : config.integer('max_position_embeddings'),
    types: 0,
    embeddings: { tokens, scale: embeddingScale },
    stack: { block, layers, finalNorm: norm(`${root}norm`), normalizesLastState: true },
    causal: true,
    head: causalHead(config, loader, { tokens }, outputSoftcap),
    ...(stretched.length > 0 && { rotary: stretched }),
  };
}
