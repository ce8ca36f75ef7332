// ViT (Dosovitskiy et al., 2020, arXiv 2010.11929): an encoder with norms before its sub-layers over the patches of an
// image, §3.1. DeiT (Touvron et al., 2020, arXiv 2012.12877) has a second token before them, §4.

import type { Config } from '../config.ts';
import type { SequenceDefinition } from '../definitions.ts';
import { imageHead } from '../heads/image-head.ts';
import { baseRoot, headName } from '../heads/head-name.ts';
import { ImageInput } from '../inputs/image-inputs.ts';
import { preNorm } from '../layers/block.ts';
import type { ImageEmbeddings } from '../layers/image-embeddings.ts';
import { layerNormWeights } from '../layers/norm-weights.ts';
import type { LayerWeights } from '../layers/stack.ts';
import { patchGrid, type ImageSize } from '../../shaders/image/patches.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** Declares the weights of a `ViT…` checkpoint. */
export function vit(config: Config, loader: WeightLoader): SequenceDefinition {
  return visionEncoder(config, loader, { root: 'vit.', first: ['cls_token'] });
}

/** Declares the weights of a `DeiT…` checkpoint. */
export function deit(config: Config, loader: WeightLoader): SequenceDefinition {
  return visionEncoder(config, loader, {
    root: 'deit.',
    first: ['cls_token', 'distillation_token'],
  });
}

interface Variant {
  readonly root: string;
  /** The tokens before the patches. */
  readonly first: readonly string[];
}

function visionEncoder(
  config: Config,
  loader: WeightLoader,
  { root: family, first }: Variant,
): SequenceDefinition {
  const root = baseRoot(config, loader, family, 'embeddings.cls_token');
  const head = headName(config);
  const size = config.integer('hidden_size');
  const width = config.integer('intermediate_size');
  const heads = config.heads('num_attention_heads', size);
  const activation = config.activation('hidden_act', 'gelu');
  const eps = config.positive('layer_norm_eps', 1e-12);
  const bias = config.boolean('qkv_bias', true);
  const rate = config.rate('hidden_dropout_prob', 0);
  const norm = (name: string) => layerNormWeights(loader, name, size, eps);
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
    selfAttentionNorm: norm(`${prefix}.layernorm_before`),
    feedForward: {
      kind: 'plain',
      inner: loader.linear(`${prefix}.intermediate.dense`, width, size),
      outer: loader.linear(`${prefix}.output.dense`, size, width),
      activation,
    },
    feedForwardNorm: norm(`${prefix}.layernorm_after`),
  });
  const layers = Array.from({ length: config.layers('num_hidden_layers') }, (_, i) =>
    layer(`${root}encoder.layer.${i}`),
  );
  const images = imageEmbeddings(config, loader, { root: `${root}embeddings.`, first });
  const showsPooler = head === 'Model' && loader.has(`${root}pooler.dense.weight`);
  const pooled = config.integer('pooler_output_size', size);
  return {
    input: new ImageInput({ ...images, dropout: rate }),
    vocabulary: 0,
    maxPositions: images.positions.size(0),
    stack: {
      block: preNorm,
      layers,
      finalNorm: norm(`${root}layernorm`),
      dropout: {
        residual: rate,
        attention: config.rate('attention_probs_dropout_prob', 0),
        activation: 0,
      },
    },
    causal: false,
    pooler: showsPooler
      ? {
          linear: loader.linear(`${root}pooler.dense`, pooled, size),
          activation: config.activation('pooler_act', 'tanh'),
        }
      : undefined,
    head: imageHead(head, { config, loader, size }),
  };
}

/** The weights of patches, of the tokens before them, and of the positions of both. */
function imageEmbeddings(
  config: Config,
  loader: WeightLoader,
  { root, first }: Variant,
): ImageEmbeddings {
  const size = config.integer('hidden_size');
  const channels = config.integer('num_channels', 3);
  const image = sides(config, 'image_size', 224);
  const patch = sides(config, 'patch_size', 16);
  const [down, across] = patchGrid(image, patch);
  if (down * across === 0) config.invalid('patch_size', 'no more than "image_size"');
  const alone = (rows: number): readonly number[] => [1, rows, size];
  return {
    projection: loader.linear(
      `${root}patch_embeddings.projection`,
      size,
      channels * patch[0] * patch[1],
      { stored: (rows) => [rows, channels, ...patch] },
    ),
    first: loader.matrix(
      first.map((name) => root + name),
      1,
      size,
      { dtype: 'f32', stored: alone },
    ),
    positions: loader.matrix(`${root}position_embeddings`, first.length + down * across, size, {
      dtype: 'f32',
      stored: alone,
    }),
    channels,
    size: image,
    patch,
  };
}

/** Height and width, of squares one number. */
function sides(config: Config, name: string, usual: number): ImageSize {
  const value = config.get(name);
  if (!Array.isArray(value)) {
    const side = config.integer(name, usual);
    return [side, side];
  }
  const [height, width, ...more] = value as unknown[];
  const isSide = (side: unknown): side is number => Number.isSafeInteger(side) && Number(side) > 0;
  if (isSide(height) && isSide(width) && more.length === 0) return [height, width];
  return config.invalid(name, 'one or two whole numbers of at least 1');
}
