// What encoders of images have in common: patches, and layers with norms before their sub-layers.

import type { Tensor } from '../../../runtime/tensor.ts';
import { type ImageSize, patchGrid } from '../../../shaders/image/patches.ts';
import type { Config } from '../../config.ts';
import type { SequenceDefinition } from '../../definitions.ts';
import { ImageInput } from '../../inputs/image-inputs.ts';
import { preNorm, type SublayerNorm } from '../../layers/block.ts';
import type { FeedForwardWeights } from '../../layers/feed-forward.ts';
import type { ImageEmbeddings } from '../../layers/image-embeddings.ts';
import { droppingScaledPreNorm } from '../../layers/layer-scale.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { LayerWeights } from '../../layers/stack.ts';
import type { WeightLoader } from '../../weights/weights.ts';

export interface VisionSizes {
  readonly size: number;
  readonly heads: number;
  /** Of all norms. */
  readonly eps: number;
}

export function visionSizes(config: Config, eps: number): VisionSizes {
  const size = config.integer('hidden_size');
  return {
    size,
    heads: config.heads('num_attention_heads', size),
    eps: config.positive('layer_norm_eps', eps),
  };
}

export interface VisionVariant {
  readonly root: string;
  /** Of a layer, before attention and before the feed-forward network. */
  readonly norms: readonly [attention: string, feedForward: string];
  /** Factors of what each of these adds. */
  readonly scales?: readonly [attention: string, feedForward: string];
  /** At what rate what these add is dropped for a whole image, in training; of those with factors. */
  readonly dropPath?: number;
  readonly feedForward: (prefix: string) => FeedForwardWeights;
  readonly images: ImageEmbeddings;
}

/** An encoder without pooler and head, by the names that Hugging Face gives the weights of most. */
export function visionEncoder(
  config: Config,
  loader: WeightLoader,
  { size, heads, eps }: VisionSizes,
  { root, norms, scales, dropPath = 0, feedForward, images }: VisionVariant,
): SequenceDefinition {
  const bias = config.boolean('qkv_bias', true);
  const rate = config.rate('hidden_dropout_prob', 0);
  const norm = (prefix: string, index: 0 | 1): SublayerNorm => ({
    ...layerNormWeights(loader, `${prefix}.${norms[index]}`, size, eps),
    ...(scales && { scale: loader.vector(`${prefix}.${scales[index]}`, size) }),
  });
  const layer = (prefix: string): LayerWeights => ({
    selfAttention: {
      heads,
      queryKeyValue: loader.linear(
        ['query', 'key', 'value'].map((name) => `${prefix}.attention.attention.${name}`),
        size,
        size,
        { bias },
      ),
      output: loader.linear(`${prefix}.attention.output.dense`, size, size),
    },
    selfAttentionNorm: norm(prefix, 0),
    feedForward: feedForward(prefix),
    feedForwardNorm: norm(prefix, 1),
  });
  return {
    input: new ImageInput({ ...images, dropout: rate }),
    vocabulary: 0,
    maxPositions: Infinity,
    stack: {
      block: scales ? droppingScaledPreNorm(dropPath) : preNorm,
      layers: Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
        layer(`${root}encoder.layer.${i}`),
      ),
      finalNorm: layerNormWeights(loader, `${root}layernorm`, size, eps),
      dropout: {
        residual: rate,
        attention: config.rate('attention_probs_dropout_prob', 0),
        activation: 0,
      },
    },
    causal: false,
  };
}

interface EmbeddingNames {
  readonly root: string;
  /** Of the product that makes vectors of patches, and of positions; those of ViT when absent. */
  readonly projection?: string;
  readonly positions?: string;
  /** The tokens around the patches, and how many each name stands for. */
  readonly tokens: readonly (readonly [name: string, count: number])[];
  /** How many of these, the first ones, have positions. */
  readonly placed: number;
  /** How many of them, the last ones, stand behind the patches; none when absent. They have positions. */
  readonly behind?: number;
  /** Positions that are added behind so many layers: their name. */
  readonly between?: readonly [name: string, layers: number];
  /** Of an image, in pixels, where config.json does not say. */
  readonly usual?: ImageSize;
  /** Whether images of all sizes are taken, unasked. */
  readonly anySize?: boolean;
  /** Whether positions for fewer patches are filtered. */
  readonly filters?: boolean;
}

/** The weights of patches, of the tokens before them, and of the positions of both. */
export function imageEmbeddings(
  config: Config,
  loader: WeightLoader,
  names: EmbeddingNames,
): ImageEmbeddings {
  const { root, tokens, placed, behind = 0, between, anySize = false, filters = false } = names;
  const size = config.integer('hidden_size');
  const { count, ...sizes } = imageSizes(config, { image: names.usual });
  const { channels, patch } = sizes;
  const alone = (rows: number): readonly number[] => [1, rows, size];
  const table = { dtype: 'f32', stored: alone } as const;
  const rows = placed + count + behind;
  /** All layers have theirs in one tensor, (layers, 1, rows, d_model). */
  const layerTable = (name: string, layers: number, index: number): Tensor =>
    loader.matrix(name, rows, size, {
      dtype: 'f32',
      part: { first: index * rows, rows: layers * rows },
      stored: () => [layers, 1, rows, size],
    });
  return {
    projection: loader.linear(
      root + (names.projection ?? 'patch_embeddings.projection'),
      size,
      channels * patch[0] * patch[1],
      { stored: (out) => [out, channels, ...patch] },
    ),
    around: loader.matrix(
      tokens.map(([name]) => root + name),
      tokens.map(([, many]) => many),
      size,
      table,
    ),
    positions: loader.matrix(root + (names.positions ?? 'position_embeddings'), rows, size, table),
    between:
      between && Array.from({ length: between[1] }, (_, index) => layerTable(...between, index)),
    placed,
    behind,
    anySize,
    filters,
    ...sizes,
  };
}

interface ImageSizes extends Pick<ImageEmbeddings, 'channels' | 'size' | 'patch'> {
  /** Of patches. */
  readonly count: number;
}

interface UsualSizes {
  readonly image?: ImageSize | undefined;
  readonly patch?: ImageSize;
}

/** Sizes of images and of their patches; those that are usual where config.json does not say. */
export function imageSizes(
  config: Config,
  { image = [224, 224], patch: usualPatch = [16, 16] }: UsualSizes,
): ImageSizes {
  const channels = config.integer('num_channels', 3);
  const size = sides(config, 'image_size', image);
  const patch = sides(config, 'patch_size', usualPatch);
  const [down, across] = patchGrid(size, patch);
  if (down * across === 0) config.invalid('patch_size', 'no more than "image_size"');
  return { channels, size, patch, count: down * across };
}

/** Height and width, of squares one number. */
function sides(config: Config, name: string, usual: ImageSize): ImageSize {
  const value = config.get(name);
  if (value === undefined) return usual;
  if (!Array.isArray(value)) {
    const side = config.integer(name);
    return [side, side];
  }
  const [height, width, ...more] = value as unknown[];
  const isSide = (side: unknown): side is number => Number.isSafeInteger(side) && Number(side) > 0;
  if (isSide(height) && isSide(width) && more.length === 0) return [height, width];
  return config.invalid(name, 'one or two whole numbers of at least 1');
}
