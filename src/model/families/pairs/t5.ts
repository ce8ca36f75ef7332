// T5 (Raffel et al., 2019, arXiv 1910.10683), its version 1.1 and FLAN-T5: a pre-norm Transformer with
// RMS norms, no biases in its products, relative positions and scores that are not scaled.

import type { CrossAttentionWeights, SelfAttentionWeights } from '../../layers/attention.ts';
import { headName } from '../../heads/head-name.ts';
import { type Config, activationNames } from '../../config.ts';
import type { EncoderDecoderDefinition, SequenceDefinition } from '../../definitions.ts';
import type { EmbeddingWeights } from '../../layers/embeddings.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { distanceBuckets, type RelativeBias } from '../../layers/relative-bias.ts';
import { textToText } from './text-to-text.ts';
import { oneLinear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { LayerWeights, StackWeights } from '../../layers/stack.ts';
import { preNorm } from '../../layers/block.ts';
import type { RmsNormWeights } from '../../../shaders/rows/norm.ts';

/** What kin of T5 has otherwise. */
export interface T5Variant {
  /** Whether each layer has a table of biases; when absent the first one's is that of all. */
  readonly biasPerLayer?: boolean;
  /** Where config.json does not say which; the first version's when absent. */
  readonly feedForward?: string;
  /** Whether the decoder's outputs may be multiplied by 1/√d_model; true when absent. */
  readonly scalesOutput?: boolean;
}

/**
 * Declares the weights of a `T5ForConditionalGeneration` checkpoint, or of a `T5Model`: with the
 * embeddings as its output layer that is the same.
 */
export function t5(
  config: Config,
  loader: WeightLoader,
  { scalesOutput = true, ...variant }: T5Variant = {},
): EncoderDecoderDefinition {
  if (!['ConditionalGeneration', 'WithLMHeadModel', 'Model'].includes(headName(config))) {
    config.refuse('architectures');
  }
  const output = 'lm_head.weight';
  const { vocabulary, dModel, embeddings, encoder, decoder } = t5Stacks(config, loader, {
    tied: ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', output],
    ...variant,
  });
  // Whether the outputs are scaled was once told by "not tied"; what is tied, the file shows.
  const tied = config.boolean('tie_word_embeddings', true);
  const scaled = scalesOutput && config.boolean('scale_decoder_outputs', tied);
  const shape = {
    sourceVocabulary: vocabulary,
    targetVocabulary: vocabulary,
    maxPositions: Infinity,
  };
  return textToText(shape, {
    source: embeddings('encoder'),
    target: embeddings('decoder'),
    encoder: encoder(),
    decoder: decoder(),
    output: {
      ...oneLinear('lm_head', loader.matrix(output, vocabulary, dModel)),
      ...(scaled && { scale: dModel ** -0.5 }),
    },
  });
}

/** Declares the weights of a `T5EncoderModel` checkpoint. */
export function t5Encoder(
  config: Config,
  loader: WeightLoader,
  variant: T5Variant = {},
): SequenceDefinition {
  const { vocabulary, embeddings, encoder } = t5Stacks(config, loader, {
    tied: ['encoder.embed_tokens.weight'],
    ...variant,
  });
  const tokens = { vocabulary, maxPositions: Infinity, embeddings: embeddings('encoder') };
  return { ...tokenInput(tokens), stack: encoder(), causal: false };
}

interface Stacks {
  readonly vocabulary: number;
  readonly dModel: number;
  readonly embeddings: (stack: 'encoder' | 'decoder') => EmbeddingWeights;
  readonly encoder: () => StackWeights;
  readonly decoder: () => StackWeights;
}

/** `tied`: the weights that are the table of tokens again unless the file has others. */
function t5Stacks(
  config: Config,
  loader: WeightLoader,
  { tied, biasPerLayer = false, feedForward = 'relu' }: T5Variant & { tied: readonly string[] },
): Stacks {
  const dModel = config.integer('d_model');
  const heads = config.integer('num_heads');
  const headSize = config.integer('d_kv', 64);
  const width = heads * headSize;
  const inner = config.integer('d_ff');
  const vocabulary = config.integer('vocab_size');
  const layers = config.layers('num_layers');
  const eps = config.positive('layer_norm_epsilon', 1e-6);
  const rate = config.rate('dropout_rate', 0.1);
  const noBias = { bias: false };

  // "relu" is the first version's, "gated-gelu" that of version 1.1, whose GELU is the tanh form.
  const [first = '', second] = config.string('feed_forward_proj', feedForward).split('-');
  const gated = first === 'gated';
  const name = gated ? (second === 'gelu' ? 'gelu_new' : (second ?? '')) : first;
  const activation = activationNames.get(name) ?? config.refuse('feed_forward_proj');

  const norm = (prefix: string): RmsNormWeights => ({
    weight: loader.vector(`${prefix}.weight`, dModel),
    eps,
  });
  // "We omit the scaling": q·k goes into the softmax as it is.
  const attend = (prefix: string): SelfAttentionWeights => ({
    heads,
    headSize,
    scale: 1,
    queryKeyValue: loader.linear(
      ['q', 'k', 'v'].map((part) => `${prefix}.${part}`),
      width,
      dModel,
      noBias,
    ),
    output: loader.linear(`${prefix}.o`, dModel, width, noBias),
  });
  const attendAcross = (prefix: string): CrossAttentionWeights => ({
    heads,
    headSize,
    scale: 1,
    query: loader.linear(`${prefix}.q`, width, dModel, noBias),
    keyValue: loader.linear([`${prefix}.k`, `${prefix}.v`], width, dModel, noBias),
    output: loader.linear(`${prefix}.o`, dModel, width, noBias),
  });
  const feed = (prefix: string): FeedForwardWeights => ({
    kind: gated ? 'gated' : 'plain',
    inner: loader.linear(
      gated ? [`${prefix}.wi_0`, `${prefix}.wi_1`] : `${prefix}.wi`,
      inner,
      dModel,
      noBias,
    ),
    outer: loader.linear(`${prefix}.wo`, dModel, inner, noBias),
    activation,
  });
  const encoderLayer = (prefix: string): LayerWeights => ({
    selfAttention: attend(`${prefix}.0.SelfAttention`),
    selfAttentionNorm: norm(`${prefix}.0.layer_norm`),
    feedForward: feed(`${prefix}.1.DenseReluDense`),
    feedForwardNorm: norm(`${prefix}.1.layer_norm`),
  });
  const decoderLayer = (prefix: string): LayerWeights => ({
    selfAttention: attend(`${prefix}.0.SelfAttention`),
    selfAttentionNorm: norm(`${prefix}.0.layer_norm`),
    crossAttention: attendAcross(`${prefix}.1.EncDecAttention`),
    crossAttentionNorm: norm(`${prefix}.1.layer_norm`),
    feedForward: feed(`${prefix}.2.DenseReluDense`),
    feedForwardNorm: norm(`${prefix}.2.layer_norm`),
  });
  const biases = (stack: string, bidirectional: boolean): ((layer: string) => RelativeBias) => {
    const count = config.integer('relative_attention_num_buckets', 32, 2);
    const reach = config.integer('relative_attention_max_distance', 128, 2, 2 ** 16);
    const values = distanceBuckets(count, reach, bidirectional);
    const buckets = loader.computed(`${stack} buckets`, [values.length], values);
    const tableName = '0.SelfAttention.relative_attention_bias.weight';
    return (layer) => ({ table: loader.matrix(`${layer}.${tableName}`, count, heads), buckets });
  };
  const stack = (
    part: 'encoder' | 'decoder',
    count: number,
    layer: (prefix: string) => LayerWeights,
  ): StackWeights => {
    const prefixes = Array.from({ length: count }, (_, i) => `${part}.block.${i}.layer`);
    const bias = biases(part, part === 'encoder');
    return {
      block: preNorm,
      layers: prefixes.map((prefix) => ({
        ...layer(prefix),
        ...(biasPerLayer && { relativeBias: bias(prefix) }),
      })),
      finalNorm: norm(`${part}.final_layer_norm`),
      normalizesLastState: true,
      // "We also share the position embedding parameters across all layers", §2.1.
      ...(!biasPerLayer && { relativeBias: bias(`${part}.block.0.layer`) }),
      dropout: { residual: rate, attention: rate, activation: rate },
    };
  };

  loader.tie('shared.weight', ...tied);
  return {
    vocabulary,
    dModel,
    embeddings: (part) => ({
      tokens: loader.matrix(`${part}.embed_tokens.weight`, vocabulary, dModel),
      dropout: rate,
    }),
    encoder: () => stack('encoder', layers, encoderLayer),
    decoder: () => stack('decoder', config.layers('num_decoder_layers', layers), decoderLayer),
  };
}
