// LFM2 (Liquid AI, 2025, arXiv 2511.23404, §2): Llama's layers, most of which have a gated short convolution in place of
// attention; the heads of the others have norms.

import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { GatedConvolution } from '../../layers/gated-convolution.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { layerTypes, llamaModel, type LlamaSizes, llamaSizes, rmsNorms } from './llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

/** Declares the weights of an `Lfm2…` checkpoint. */
export function lfm2(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = {
    ...llamaSizes(config),
    eps: config.positive('norm_eps', 1e-5),
    width: feedForwardWidth(config),
  };
  const rotary = new RotaryTables(config, loader, sizes.headSize);
  const attends = attendingLayers(config);
  const norm = rmsNorms(loader, sizes);
  const frame = { norm, lastNorm: 'embedding_norm', rotary, tied: true };
  return llamaModel(tiedAsNamed(config), loader, frame, (prefix, index) => ({
    selfAttention: attends(index)
      ? {
          ...lfm2Heads(loader, `${prefix}.self_attn`, sizes),
          rotary: rotary.table({ theta: 1e6 }),
        }
      : shortConvolution(config, loader, `${prefix}.conv`, sizes),
    selfAttentionNorm: norm(`${prefix}.operator_norm`),
    feedForward: swiGlu(loader, `${prefix}.feed_forward`, sizes),
    feedForwardNorm: norm(`${prefix}.ffn_norm`),
  }));
}

/** `tie_embedding` is an older name, and counts before the other. */
export function tiedAsNamed(config: Config): Config {
  const name = 'tie_embedding';
  return config.get(name) === undefined
    ? config
    : config.with({ tie_word_embeddings: config.boolean(name, true) });
}

/** Two thirds of what config.json says, rounded up to a multiple, unless it says that the width is exact. */
function feedForwardWidth(config: Config): number {
  const name = config.get('block_ff_dim') === undefined ? 'intermediate_size' : 'block_ff_dim';
  const width = config.integer(name, 12288);
  if (!config.boolean('block_auto_adjust_ff_dim', true)) return width;
  const narrower = Math.trunc((2 * width) / 3);
  // Without a factor nothing is rounded, but it is 1 where the file is silent.
  if (config.fields['block_ffn_dim_multiplier'] === null) return narrower;
  const multiple = config.integer('block_multiple_of', 256);
  const factor = config.positive('block_ffn_dim_multiplier', 1);
  return multiple * Math.ceil(Math.trunc(factor * narrower) / multiple);
}

/** By `layer_types`; older files number the layers with attention; all have it where neither is there. */
function attendingLayers(config: Config): (layer: number) => boolean {
  const types = layerTypes(config, ['full_attention', 'conv']);
  const numbers = config.get('full_attn_idxs');
  if (types) return (layer) => types[layer] === 'full_attention';
  if (numbers === undefined) return () => true;
  if (!Array.isArray(numbers)) config.invalid('full_attn_idxs', 'a list of layers');
  const list: readonly unknown[] = Array.isArray(numbers) ? numbers : [];
  return (layer) => list.includes(layer);
}

/** Heads by the names of LFM2, without biases. */
export function lfm2Heads(
  loader: WeightLoader,
  prefix: string,
  { size, heads, keyValueHeads, headSize, eps }: LlamaSizes,
): SelfAttentionWeights {
  const plain = { bias: false };
  const norms = [`${prefix}.q_layernorm.weight`, `${prefix}.k_layernorm.weight`];
  return {
    heads,
    keyValueHeads,
    headSize,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize],
      size,
      plain,
    ),
    output: loader.linear(`${prefix}.out_proj`, size, heads * headSize, plain),
    headNorm: { weight: loader.vector(norms, headSize), eps, offset: 0 },
  };
}

/** `conv_L_cache`: how many tokens it sees, itself included. */
export function shortConvolution(
  config: Config,
  loader: WeightLoader,
  prefix: string,
  { size }: LlamaSizes,
  usual: number = 3,
): GatedConvolution {
  const bias = config.boolean('conv_bias', false);
  const seen = config.integer('conv_L_cache', usual, 1, 256);
  return new GatedConvolution({
    input: loader.linear(`${prefix}.in_proj`, 3 * size, size, { bias }),
    convolution: {
      weight: loader.matrix(`${prefix}.conv.weight`, size, seen, {
        dtype: 'f32',
        stored: () => [size, 1, seen],
      }),
      bias: bias ? loader.vector(`${prefix}.conv.bias`, size) : undefined,
    },
    output: loader.linear(`${prefix}.out_proj`, size, size, { bias }),
  });
}

/** SwiGLU by the names of its papers. */
export function swiGlu(
  loader: WeightLoader,
  prefix: string,
  { size, width }: LlamaSizes,
): FeedForwardWeights {
  return {
    kind: 'gated',
    inner: loader.linear([`${prefix}.w1`, `${prefix}.w3`], width, size, { bias: false }),
    outer: loader.linear(`${prefix}.w2`, size, width, { bias: false }),
    activation: 'silu',
  };
}
