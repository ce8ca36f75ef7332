// The stacks of CLIP and SigLIP: pre-norm Transformers over texts and over patches, by the names that Hugging Face
// gives both.

import type { Activation } from '../../../shaders/matmul/matmul.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { patchClassifier } from '../../heads/image-head.ts';
import type { SelfAttentionWeights } from '../../layers/attention.ts';
import { preNorm } from '../../layers/block.ts';
import type { EmbeddingWeights } from '../../layers/embeddings.ts';
import type { ImageEmbeddings } from '../../layers/image-embeddings.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights, StackWeights } from '../../layers/stack.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import { imageSizes } from './vision-encoder.ts';

/** What Hugging Face's configurations say where a file says nothing. */
export interface UsualSizes {
  readonly size: number;
  readonly width: number;
  readonly heads: number;
  readonly activation: string;
  readonly eps: number;
}

/** What every layer of a stack has. */
export interface StackSizes {
  readonly size: number;
  readonly width: number;
  readonly heads: number;
  readonly activation: Activation;
  /** Of all norms. */
  readonly eps: number;
}

export function stackSizes(config: Config, usual: UsualSizes): StackSizes {
  const size = config.integer('hidden_size', usual.size);
  return {
    size,
    width: config.integer('intermediate_size', usual.width),
    heads: config.heads('num_attention_heads', size, usual.heads),
    activation: config.activation('hidden_act', usual.activation),
    eps: config.positive('layer_norm_eps', usual.eps),
  };
}

/** The layers below `root`, without a final norm. `attention`: that of a layer, where it has other names. */
export function clipStack(
  config: Config,
  loader: WeightLoader,
  root: string,
  { size, width, heads, activation, eps }: StackSizes,
  attention?: (prefix: string) => SelfAttentionWeights,
): StackWeights {
  const norm = (prefix: string) => layerNormWeights(loader, prefix, size, eps);
  const usual = (prefix: string): SelfAttentionWeights => ({
    heads,
    queryKeyValue: loader.linear(
      ['q_proj', 'k_proj', 'v_proj'].map((name) => `${prefix}.${name}`),
      size,
      size,
    ),
    output: loader.linear(`${prefix}.out_proj`, size, size),
  });
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: (attention ?? usual)(`${prefix}.self_attn`),
    selfAttentionNorm: norm(`${prefix}.layer_norm1`),
    feedForward: clipFeedForward(loader, `${prefix}.mlp`, { size, width, activation }),
    feedForwardNorm: norm(`${prefix}.layer_norm2`),
  });
  return {
    block: preNorm,
    layers: Array.from({ length: config.layers('num_hidden_layers', 12) }, (_, i) =>
      layer(`${root}encoder.layers.${i}`),
    ),
    dropout: { residual: 0, attention: config.rate('attention_dropout', 0), activation: 0 },
  };
}

export function clipFeedForward(
  loader: WeightLoader,
  prefix: string,
  { size, width, activation }: Pick<StackSizes, 'size' | 'width' | 'activation'>,
): LayerWeights['feedForward'] {
  return {
    kind: 'plain',
    inner: loader.linear(`${prefix}.fc1`, width, size),
    outer: loader.linear(`${prefix}.fc2`, size, width),
    activation,
  };
}

interface TokenSizes {
  readonly vocabulary: number;
  readonly maxPositions: number;
  readonly embeddings: EmbeddingWeights;
}

/** What tokens of texts become. */
export function tokenEmbeddings(
  config: Config,
  loader: WeightLoader,
  root: string,
  usual: { readonly size: number; readonly vocabulary: number; readonly maxPositions: number },
): TokenSizes {
  const vocabulary = config.integer('vocab_size', usual.vocabulary);
  const maxPositions = config.integer('max_position_embeddings', usual.maxPositions);
  const table = (name: string): string => `${root}embeddings.${name}_embedding.weight`;
  const embeddings = {
    tokens: loader.matrix(table('token'), vocabulary, usual.size),
    positions: {
      table: loader.matrix(table('position'), maxPositions, usual.size, { dtype: 'f32' }),
    },
  };
  return { vocabulary, maxPositions, embeddings };
}

interface PatchOptions {
  readonly size: number;
  /** The side of patches where nothing says. */
  readonly usualPatch: number;
  readonly bias: boolean;
  /** Whether a token of its own stands before them. */
  readonly hasClass: boolean;
}

/** What patches of images become. */
export function patchEmbeddings(
  config: Config,
  loader: WeightLoader,
  root: string,
  { size, usualPatch, bias, hasClass }: PatchOptions,
): ImageEmbeddings {
  const { count, ...sizes } = imageSizes(config, { patch: [usualPatch, usualPatch] });
  const { channels, patch } = sizes;
  const placed = hasClass ? 1 : 0;
  const table = { dtype: 'f32' } as const;
  return {
    projection: loader.linear(
      `${root}embeddings.patch_embedding`,
      size,
      channels * patch[0] * patch[1],
      { bias, stored: (rows) => [rows, channels, ...patch] },
    ),
    ...(hasClass && {
      around: loader.matrix(`${root}embeddings.class_embedding`, 1, size, {
        ...table,
        stored: () => [size],
      }),
    }),
    positions: loader.matrix(
      `${root}embeddings.position_embedding.weight`,
      placed + count,
      size,
      table,
    ),
    placed,
    behind: 0,
    anySize: false,
    filters: false,
    ...sizes,
  };
}

/** The settings of one of two stacks, all of which have usual values. */
export function sectionOf(config: Config, name: 'text' | 'vision'): Config {
  // Old files have both: what the first one lacks has its usual value, whatever the second says.
  const given = `${name}_config_dict`;
  return config.section(config.get(given) === undefined ? `${name}_config` : given, '', {});
}

/** What one family's classifier of images has of its own. */
interface ImageClassifier {
  readonly usual: UsualSizes;
  readonly images: (config: Config, loader: WeightLoader) => SequenceDefinition;
  /** Tokens before those of the patches. */
  readonly first: number;
}

/** Declares the weights of a classifier of images, which has the vision section of a model of both. */
export function imageClassifier(
  config: Config,
  loader: WeightLoader,
  { usual, images, first }: ImageClassifier,
): SequenceDefinition {
  const vision = sectionOf(config, 'vision');
  const { size } = stackSizes(vision, usual);
  const definition = {
    ...images(vision, loader),
    head: patchClassifier({ config, loader, size }, first),
  };
  vision.refuseUnread();
  return definition;
}
