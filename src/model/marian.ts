// Marian (Junczys-Dowmunt et al., 2018, arXiv 1804.00344) in Hugging Face's layout: the paper's
// post-norm Transformer with sinusoidal positions in halves, tied embeddings and a logits bias.

import type { Config } from './config.ts';
import type { DecoderLayerWeights } from './decoder.ts';
import type { EncoderLayerWeights } from './encoder.ts';
import type { FeedForwardWeights } from './feed-forward.ts';
import { sinusoidalPositions } from './positional-encoding.ts';
import { postNorm } from './residual.ts';
import type { TransformerWeights } from './transformer.ts';
import type { WeightLoader } from './weights.ts';
import type { LayerNormWeights } from '../shaders/layer-norm.ts';
import type { CrossAttentionWeights, SelfAttentionWeights } from './attention.ts';

/** PyTorch's default, which Marian's layer norms use. */
const eps = 1e-5;

export interface TransformerShape {
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
  readonly maxPositions: number;
  readonly dModel: number;
  readonly decoderLayers: number;
}

export interface MarianModel {
  readonly shape: TransformerShape;
  readonly weights: TransformerWeights;
}

/** Declares the weights of a `MarianMTModel` checkpoint. */
export function marian(config: Config, loader: WeightLoader): MarianModel {
  // Hugging Face's implementation knows only these settings and ignores the fields otherwise.
  config.only('normalize_before', false);
  config.only('normalize_embedding', false);
  config.only('add_final_layer_norm', false);
  config.only('static_position_embeddings', true);

  const dModel = config.integer('d_model');
  const maxPositions = config.integer('max_position_embeddings');
  const sourceVocabulary = config.integer('vocab_size');
  const targetVocabulary = config.integer('decoder_vocab_size', sourceVocabulary);
  const activation = config.activation('activation_function');
  const encoderHeads = config.heads('encoder_attention_heads', dModel);
  const decoderHeads = config.heads('decoder_attention_heads', dModel);
  const encoderWidth = config.integer('encoder_ffn_dim');
  const decoderWidth = config.integer('decoder_ffn_dim');
  const encoderLayers = config.integer('encoder_layers');
  const decoderLayers = config.integer('decoder_layers');
  // The defaults are those of Hugging Face's MarianConfig.
  const dropout = {
    residual: config.rate('dropout', 0.1),
    attention: config.rate('attention_dropout', 0),
    activation: config.rate('activation_dropout', 0),
  };

  const shared = config.boolean('share_encoder_decoder_embeddings', true);
  const table = (name: string, size: number) => loader.matrix(name, size, dModel);
  const sourceEmbedding = shared
    ? table('model.shared.weight', sourceVocabulary)
    : table('model.encoder.embed_tokens.weight', sourceVocabulary);
  const targetEmbedding = shared
    ? sourceEmbedding
    : table('model.decoder.embed_tokens.weight', targetVocabulary);
  const tied = config.boolean('tie_word_embeddings', true);
  const output = tied ? targetEmbedding : table('lm_head.weight', targetVocabulary);

  const norm = (prefix: string): LayerNormWeights => ({
    weight: loader.vector(`${prefix}.weight`, dModel),
    bias: loader.vector(`${prefix}.bias`, dModel),
    eps,
  });
  const attend = (prefix: string, heads: number): SelfAttentionWeights => ({
    heads,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      dModel,
      dModel,
    ),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  });
  const attendAcross = (prefix: string, heads: number): CrossAttentionWeights => ({
    heads,
    query: loader.linear(`${prefix}.q_proj`, dModel, dModel),
    keyValue: loader.linear([`${prefix}.k_proj`, `${prefix}.v_proj`], dModel, dModel),
    output: loader.linear(`${prefix}.out_proj`, dModel, dModel),
  });
  const feed = (prefix: string, width: number): FeedForwardWeights => ({
    inner: loader.linear(`${prefix}.fc1`, width, dModel),
    outer: loader.linear(`${prefix}.fc2`, dModel, width),
    activation,
  });
  const encoderLayer = (prefix: string): EncoderLayerWeights => ({
    selfAttention: attend(`${prefix}.self_attn`, encoderHeads),
    selfAttentionNorm: norm(`${prefix}.self_attn_layer_norm`),
    feedForward: feed(prefix, encoderWidth),
    feedForwardNorm: norm(`${prefix}.final_layer_norm`),
  });
  const decoderLayer = (prefix: string): DecoderLayerWeights => ({
    selfAttention: attend(`${prefix}.self_attn`, decoderHeads),
    selfAttentionNorm: norm(`${prefix}.self_attn_layer_norm`),
    crossAttention: attendAcross(`${prefix}.encoder_attn`, decoderHeads),
    crossAttentionNorm: norm(`${prefix}.encoder_attn_layer_norm`),
    feedForward: feed(prefix, decoderWidth),
    feedForwardNorm: norm(`${prefix}.final_layer_norm`),
  });
  const stack = <Layer>(count: number, layer: (index: number) => Layer): Layer[] =>
    Array.from({ length: count }, (_, index) => layer(index));

  return {
    shape: { sourceVocabulary, targetVocabulary, maxPositions, dModel, decoderLayers },
    weights: {
      sourceEmbedding,
      targetEmbedding,
      embeddingScale: config.boolean('scale_embedding', false) ? Math.sqrt(dModel) : 1,
      embeddingDropout: dropout.residual,
      positions: loader.computed(
        'positions',
        [maxPositions, dModel],
        sinusoidalPositions(maxPositions, dModel, 'halves'),
      ),
      encoder: {
        residual: postNorm,
        dropout,
        layers: stack(encoderLayers, (i) => encoderLayer(`model.encoder.layers.${i}`)),
      },
      decoder: {
        residual: postNorm,
        dropout,
        layers: stack(decoderLayers, (i) => decoderLayer(`model.decoder.layers.${i}`)),
      },
      output: {
        weight: output,
        bias: loader.constant('final_logits_bias', [1, targetVocabulary]),
      },
    },
  };
}
