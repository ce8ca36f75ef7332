// What BERT and RoBERTa have in common, by the names that Hugging Face gives them.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import type { Head } from '../heads/head.ts';
import { encoderHead, type HeadNames, type HeadParts } from '../heads/encoder-heads.ts';
import { baseRoot } from '../heads/head-name.ts';
import { tieMaskedHead } from '../heads/masked-head.ts';
import { TokenPooler } from '../heads/pooler.ts';
import { tokenInput } from '../inputs/token-inputs.ts';
import type { WeightLoader } from '../weights/weights.ts';
import type { LayerWeights, StackWeights } from '../layers/stack.ts';
import { layerNormWeights } from '../layers/norm-weights.ts';
import { postNorm } from '../layers/block.ts';

/** What tells a family of encoders from others. */
export interface BertVariant {
  /** What the names of weights begin with, where they begin with something. */
  readonly root: string;
  /** The head, see `encoderHead`. */
  readonly head: string;
  readonly names: HeadNames;
  /** Positions count only what is not this token, and begin behind its id. */
  readonly paddingToken?: number;
  /** The row of the table of positions that the first token has; that of its count when absent. */
  readonly firstPosition?: number;
  /** Its head, where it is the decoder of what an encoder sees. */
  readonly decoderHead?: (parts: HeadParts) => Head;
  /** The width of what it attends to; its own when absent. */
  readonly seenSize?: number;
}

/** An encoder with its pooler, where it has or needs one, and its head. */
export function bertModel(
  config: Config,
  loader: WeightLoader,
  variant: BertVariant,
): SequenceDefinition {
  const { root: family, head, names, paddingToken, firstPosition = 0, decoderHead } = variant;
  const root = baseRoot(config, loader, family, 'embeddings.position_embeddings.weight');
  if (head === 'MaskedLM' || decoderHead) tieMaskedHead(config, loader, root, names.masked);
  const isDecoder = decoderHead !== undefined;
  config.only('is_decoder', isDecoder);
  config.only('add_cross_attention', isDecoder);
  if (config.string('position_embedding_type', 'absolute') !== 'absolute') {
    config.refuse('position_embedding_type');
  }
  const size = config.integer('hidden_size');
  const { seenSize = size } = variant;
  const width = config.integer('intermediate_size');
  const heads = config.heads('num_attention_heads', size);
  const activation = config.activation('hidden_act', 'gelu');
  const eps = config.positive('layer_norm_eps', 1e-12);
  const vocabulary = config.integer('vocab_size');
  const positions = config.integer('max_position_embeddings');
  const types = config.integer('type_vocab_size', 2, 0);
  const rate = config.rate('hidden_dropout_prob', 0.1);
  const norm = (prefix: string) => layerNormWeights(loader, `${prefix}.LayerNorm`, size, eps);
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['query', 'key', 'value'].map((name) => `${prefix}.attention.self.${name}`),
        size,
        size,
      ),
      output: loader.linear(`${prefix}.attention.output.dense`, size, size),
    },
    selfAttentionNorm: norm(`${prefix}.attention.output`),
    ...(isDecoder && {
      crossAttention: {
        heads,
        query: loader.linear(`${prefix}.crossattention.self.query`, size, size),
        keyValue: loader.linear(
          ['key', 'value'].map((name) => `${prefix}.crossattention.self.${name}`),
          size,
          seenSize,
        ),
        output: loader.linear(`${prefix}.crossattention.output.dense`, size, size),
      },
      crossAttentionNorm: norm(`${prefix}.crossattention.output`),
    }),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.intermediate.dense`, width, size),
      outer: loader.linear(`${prefix}.output.dense`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.output`),
  });
  const table = (name: string): string => `${root}embeddings.${name}_embeddings.weight`;
  const stack: StackWeights = {
    block: postNorm,
    layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
      layer(`${root}encoder.layer.${i}`),
    ),
    dropout: {
      residual: rate,
      attention: config.rate('attention_probs_dropout_prob', 0.1),
      activation: 0,
    },
  };
  const needsPooler = head === 'SequenceClassification' && names.sequence.choose === undefined;
  const showsPooler = ['Model', 'SequenceClassification'].includes(head) || !loader.trains;
  const pooler =
    needsPooler || (showsPooler && loader.has(`${root}pooler.dense.weight`))
      ? new TokenPooler({
          layers: [
            { linear: loader.linear(`${root}pooler.dense`, size, size), activation: 'tanh' },
          ],
        })
      : undefined;
  const embeddings = {
    tokens: loader.matrix(table('word'), vocabulary, size),
    positions: {
      table: loader.matrix(table('position'), positions, size, { dtype: 'f32' }),
      offset: firstPosition,
    },
    types: types === 0 ? undefined : loader.matrix(table('token_type'), types, size),
    norm: norm(`${root}embeddings`),
    dropout: rate,
  };
  const parts = { config, loader, size, vocabulary, names };
  return {
    ...tokenInput({
      vocabulary,
      types,
      embeddings,
      maxPositions: positions - (paddingToken === undefined ? firstPosition : paddingToken + 1),
      ...(paddingToken !== undefined && { paddingToken }),
    }),
    stack,
    causal: isDecoder,
    pooler,
    head: decoderHead?.(parts) ?? encoderHead(head, parts),
  };
}
