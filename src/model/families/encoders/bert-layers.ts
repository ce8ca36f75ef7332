// What BERT and its kin are put together from: sizes, embeddings, layers, pooler and heads. Families name the
// weights, and say what else they have.

import type { Activation } from '../../../shaders/matmul/matmul.ts';
import type { LayerNormWeights } from '../../../shaders/rows/norm.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import type { Head } from '../../heads/head.ts';
import { encoderHead, type HeadNames, type HeadParts } from '../../heads/encoder-heads.ts';
import { baseRoot } from '../../heads/head-name.ts';
import { tieMaskedHead } from '../../heads/masked-head.ts';
import { TokenPooler } from '../../heads/pooler.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { type Dropout, postNorm } from '../../layers/block.ts';
import { type EmbeddingWeights, paddingOf } from '../../layers/embeddings.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { RelativeBias } from '../../layers/relative-bias.ts';
import type { AttentionLayer, LayerWeights } from '../../layers/stack.ts';
import type { Linear } from '../../weights/linear-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import type { RotaryTables } from '../rotary-tables.ts';

/** Sizes and settings by the names that BERT's config.json has for them. */
export interface BertSizes {
  readonly size: number;
  /** Of the embeddings, which are projected where it is another. */
  readonly embeddingSize: number;
  /** d_ff */
  readonly width: number;
  readonly heads: number;
  readonly activation: Activation;
  /** Of all norms. */
  readonly eps: number;
  readonly vocabulary: number;
  /** The token whose vector does not train. */
  readonly padding: number;
  /** The row of the table of positions that does not train, where it is one that padding tokens have. */
  readonly positionPadding: number | undefined;
  /** Rows of the table of positions. */
  readonly positions: number;
  /** Segments; 0 where there are none. */
  readonly types: number;
  readonly dropout: Dropout;
}

/** What a config.json means that says nothing: segments, the activation, ε of norms, and the rates of dropout. */
interface UsualSizes {
  readonly types?: number;
  readonly activation?: string;
  readonly eps?: number;
  readonly padding?: number | undefined;
  readonly rate?: number;
}

export function bertSizes(
  config: Config,
  { types = 2, activation = 'gelu', eps = 1e-12, rate = 0.1, padding }: UsualSizes = {},
): BertSizes {
  const size = config.integer('hidden_size');
  return {
    size,
    embeddingSize: size,
    width: config.integer('intermediate_size'),
    heads: config.heads('num_attention_heads', size),
    activation: config.activation('hidden_act', activation),
    eps: config.positive('layer_norm_eps', eps),
    vocabulary: config.integer('vocab_size'),
    padding: paddingOf(config, padding ?? 0),
    positionPadding: padding,
    positions: config.integer('max_position_embeddings'),
    types: config.integer('type_vocab_size', types, 0),
    dropout: {
      residual: config.rate('hidden_dropout_prob', rate),
      attention: config.rate('attention_probs_dropout_prob', rate),
      activation: 0,
    },
  };
}

/** What the weights of a layer are called, behind its prefix. */
export interface BertLayerNames {
  readonly queryKeyValue: readonly [query: string, key: string, value: string];
  readonly output: string;
  readonly outputNorm: string;
  readonly inner: string;
  readonly outer: string;
  readonly norm: string;
}

const bertLayerNames: BertLayerNames = {
  queryKeyValue: ['attention.self.query', 'attention.self.key', 'attention.self.value'],
  output: 'attention.output.dense',
  outputNorm: 'attention.output.LayerNorm',
  inner: 'intermediate.dense',
  outer: 'output.dense',
  norm: 'output.LayerNorm',
};

/** A layer whose names begin with `prefix`. `projections`: those of queries, keys and values, where they lie otherwise. */
export function bertLayer(
  loader: WeightLoader,
  prefix: string,
  {
    size,
    width,
    heads,
    activation,
    eps,
  }: Pick<BertSizes, 'size' | 'width' | 'heads' | 'activation' | 'eps'>,
  names: BertLayerNames = bertLayerNames,
  projections?: Linear,
): AttentionLayer {
  const norm = (name: string): LayerNormWeights =>
    layerNormWeights(loader, `${prefix}.${name}`, size, eps);
  return {
    selfAttention: {
      heads,
      queryKeyValue:
        projections ??
        loader.linear(
          names.queryKeyValue.map((name) => `${prefix}.${name}`),
          size,
          size,
        ),
      output: loader.linear(`${prefix}.${names.output}`, size, size),
    },
    selfAttentionNorm: norm(names.outputNorm),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.${names.inner}`, width, size),
      outer: loader.linear(`${prefix}.${names.outer}`, size, width),
      activation,
    },
    feedForwardNorm: norm(names.norm),
  };
}

/** All layers, in BERT's places. */
export function bertLayers(
  config: Config,
  layer: (prefix: string) => LayerWeights,
  root: string,
): LayerWeights[] {
  return Array.from({ length: config.layers('num_hidden_layers') }, (_, index) =>
    layer(`${root}encoder.layer.${index}`),
  );
}

/** `firstPosition`: the row of the table of positions that the first token has, where it counts from 0. */
export function bertEmbeddings(
  loader: WeightLoader,
  root: string,
  {
    embeddingSize: size,
    eps,
    vocabulary,
    padding,
    positionPadding,
    positions,
    types,
    dropout,
  }: BertSizes,
  firstPosition = 0,
): EmbeddingWeights {
  const table = (name: string): string => `${root}embeddings.${name}_embeddings.weight`;
  return {
    tokens: loader.matrix(table('word'), vocabulary, size),
    padding,
    positions: {
      table: loader.matrix(table('position'), positions, size, { dtype: 'f32' }),
      offset: firstPosition,
      padding: positionPadding,
    },
    types: types === 0 ? undefined : loader.matrix(table('token_type'), types, size),
    norm: layerNormWeights(loader, `${root}embeddings.LayerNorm`, size, eps),
    dropout: dropout.residual,
  };
}

/** The head that `architectures` names, and what its weights are called. */
export interface BertHead {
  readonly head: string;
  readonly names: HeadNames;
}

/** Refuses what BERT's kin can be told, but is not done here. `isDecoder`: whether it is what an encoder speaks through. */
export function checkBert(config: Config, isDecoder: boolean = false): void {
  config.only('is_decoder', isDecoder);
  if (config.string('position_embedding_type', 'absolute') !== 'absolute') {
    config.refuse('position_embedding_type');
  }
}

/** What the names of the base model begin with, once a masked head is tied to its embeddings. */
export function bertRoot(
  config: Config,
  loader: WeightLoader,
  family: string,
  { head, names }: BertHead,
): string {
  const root = baseRoot(config, loader, family, 'embeddings.word_embeddings.weight');
  if (head === 'MaskedLM') tieMaskedHead(config, loader, root, names.masked);
  return root;
}

/** A layer and tanh over the first token, where the head reads it or the checkpoint has it. */
export function bertPooler(
  loader: WeightLoader,
  name: string,
  size: number,
  { head, names }: BertHead,
): TokenPooler | undefined {
  const isRead = head === 'SequenceClassification' && names.sequence.choose === undefined;
  const isShown = ['Model', 'SequenceClassification'].includes(head) || !loader.trains;
  if (!isRead && !(isShown && loader.has(`${name}.weight`))) return undefined;
  return new TokenPooler({
    layers: [{ linear: loader.linear(name, size, size), activation: 'tanh' }],
  });
}

/** What a model of BERT's kind is put together from. */
export interface BertParts extends BertHead {
  readonly sizes: BertSizes;
  readonly layers: readonly LayerWeights[];
  readonly relativeBias?: RelativeBias | undefined;
  readonly pooler?: TokenPooler | undefined;
  readonly embeddings: EmbeddingWeights;
  /** Positions count only what is not this token, and begin behind its id. */
  readonly paddingToken?: number | undefined;
  /** Of layers that turn queries and keys by positions, which embeddings then have none of. */
  readonly rotary?: RotaryTables;
  /** A head that not all encoders have. */
  readonly ownHead?: (parts: HeadParts) => Head;
  readonly causal?: boolean;
}

/** The model around its parts. */
export function bertModel(
  config: Config,
  loader: WeightLoader,
  {
    sizes,
    layers,
    relativeBias,
    pooler,
    embeddings,
    paddingToken,
    rotary,
    causal = false,
    ...own
  }: BertParts,
): SequenceDefinition {
  const { size, embeddingSize, vocabulary, types, positions, dropout } = sizes;
  const { head, names, ownHead } = own;
  const parts = { config, loader, size, embeddingSize, vocabulary, names };
  const firstPosition = embeddings.positions?.offset ?? 0;
  const maxPositions = positions - (paddingToken === undefined ? firstPosition : paddingToken + 1);
  return {
    ...tokenInput({
      vocabulary,
      types,
      embeddings,
      ...(rotary?.reading(() => maxPositions) ?? { maxPositions }),
      paddingToken,
    }),
    stack: { block: postNorm, layers, relativeBias, dropout },
    causal,
    pooler,
    head: ownHead?.(parts) ?? encoderHead(head, parts),
  };
}
