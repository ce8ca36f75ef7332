// What ModernBERT and its decoder are put together from.

import { paddingOf } from '../../layers/embeddings.ts';
import type { NormWeights } from '../../../shaders/rows/norm.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import { type Block, join, normOf } from '../../layers/block.ts';
import type { BeforeOutput } from '../../layers/logits.ts';
import { layerNormWeights, unshiftedNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { layerTypes } from '../decoders/llama-parts.ts';
import { RotaryTables } from '../rotary-tables.ts';

const fullAttention = 'full_attention';

/** A model's width and vocabulary, and what it says of its layers. */
export interface ModernBertSizes {
  readonly size: number;
  readonly heads: number;
  readonly vocabulary: number;
  /** The norm `name`. */
  readonly norm: (name: string) => NormWeights;
}

export function modernBertSizes(config: Config, loader: WeightLoader): ModernBertSizes {
  const size = config.integer('hidden_size');
  const eps = config.positive('norm_eps', 1e-5);
  const declare = config.boolean('norm_bias', false) ? layerNormWeights : unshiftedNormWeights;
  return {
    size,
    heads: config.heads('num_attention_heads', size),
    vocabulary: config.integer('vocab_size'),
    norm: (name) => declare(loader, name, size, eps),
  };
}

/** Pre-norm, but for the sub-layers of this norm: what goes into them has it already. */
function preNormAfter(first: NormWeights): Block {
  return (x, sublayers, rate = 0) =>
    sublayers.reduce((h, sublayer) => {
      const { norm } = sublayer;
      return join(h, sublayer, norm === first ? h : normOf(sublayer, h), rate);
    }, x);
}

/** What tells the encoder from the decoder. */
interface ModernBertVariant extends ModernBertSizes {
  readonly causal: boolean;
  /** The projections of queries, keys and values, behind the prefix of a layer: each, or all in one. */
  readonly queryKeyValue: readonly string[];
  /** How many tokens back a token of a local layer sees, itself included. */
  readonly window: number;
}

/** The model below its head. */
export function modernBertModel(
  config: Config,
  loader: WeightLoader,
  { size, heads, vocabulary, norm, causal, queryKeyValue, window }: ModernBertVariant,
): SequenceDefinition {
  const root = baseRoot(config, loader, 'model.', 'final_norm.weight');
  const width = config.integer('intermediate_size');
  const attentionBias = { bias: config.boolean('attention_bias', false) };
  const mlpBias = { bias: config.boolean('mlp_bias', false) };
  const activation = config.activation('hidden_activation', 'gelu');
  const attentionRate = config.rate('attention_dropout', 0);
  const every = config.integer('global_attn_every_n_layers', 3);
  const types = layerTypes(config);
  const isLocal = (index: number): boolean =>
    types === undefined ? index % every !== 0 : types[index] !== fullAttention;
  const rotary = new RotaryTables(config, loader, size / heads);
  // Kinds of layers have frequencies of their own.
  const local = {
    window,
    rotary: rotary.table({
      layerType: 'sliding_attention',
      theta: config.positive('local_rope_theta', 1e4),
    }),
  };
  const whole = {
    rotary: rotary.table({
      layerType: fullAttention,
      theta: config.positive('global_rope_theta', 160_000),
    }),
  };
  const embeddingNorm = norm(`${root}embeddings.norm`);
  const attend = (prefix: string, index: number): SelfAttentionWeights => ({
    heads,
    ...(isLocal(index) ? local : whole),
    queryKeyValue: loader.linear(
      queryKeyValue.map((name) => `${prefix}.${name}`),
      (3 * size) / queryKeyValue.length,
      size,
      attentionBias,
    ),
    output: loader.linear(`${prefix}.Wo`, size, size, attentionBias),
  });
  const layer = (prefix: string, index: number): LayerWeights => ({
    selfAttention: attend(`${prefix}.attn`, index),
    selfAttentionNorm: index === 0 ? embeddingNorm : norm(`${prefix}.attn_norm`),
    feedForward: {
      kind: 'gated',
      inner: loader.linear(`${prefix}.mlp.Wi`, 2 * width, size, mlpBias),
      outer: loader.linear(`${prefix}.mlp.Wo`, size, width, mlpBias),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.mlp_norm`),
  });
  const layers = Array.from({ length: config.layers('num_hidden_layers') }, (_, index) =>
    layer(`${root}layers.${index}`, index),
  );
  return {
    ...tokenInput({
      vocabulary,
      ...rotary.reading(() => config.integer('max_position_embeddings', 8192)),
      embeddings: {
        tokens: loader.matrix(`${root}embeddings.tok_embeddings.weight`, vocabulary, size),
        padding: paddingOf(config, 50283),
        norm: embeddingNorm,
        dropout: config.rate('embedding_dropout', 0),
      },
    }),
    stack: {
      block: preNormAfter(embeddingNorm),
      layers,
      finalNorm: norm(`${root}final_norm`),
      normalizesLastState: true,
      dropout: {
        residual: 0,
        attention: attentionRate,
        activation: config.rate('mlp_dropout', 0),
      },
    },
    causal,
  };
}

/** A layer, its activation and its norm, before that of a head. */
export function predictionHead(
  config: Config,
  loader: WeightLoader,
  name: string,
  { size, norm }: ModernBertSizes,
): BeforeOutput {
  return {
    linear: loader.linear(`${name}.dense`, size, size, {
      bias: config.boolean('classifier_bias', false),
    }),
    activation: config.activation('classifier_activation', 'gelu'),
    norm: norm(`${name}.norm`),
  };
}
