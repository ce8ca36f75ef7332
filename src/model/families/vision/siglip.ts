// SigLIP ("Sigmoid Loss for Language Image Pre-Training", Zhai et al., 2023, arXiv 2303.15343): CLIP whose pairs of
// texts and images are judged each by itself, so that their logits have a bias, too (§3.2). Tokens of texts see all
// others, and a vector that attends to all patches stands for an image.

import type { Config } from '../../config.ts';
import type { DualEncoderDefinition, SequenceDefinition } from '../../definitions.ts';
import { AttentionPooler } from '../../heads/attention-pooler.ts';
import { EmbeddingHead, unitNorm } from '../../heads/embedding-head.ts';
import type { ChooseToken } from '../../heads/head.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { type Pooler, TokenPooler } from '../../heads/pooler.ts';
import { SimilarityHead } from '../../heads/similarity-head.ts';
import { sigmoidLoss } from '../../heads/similarity-losses.ts';
import { ImageInput } from '../../inputs/image-inputs.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  clipFeedForward,
  clipStack,
  imageClassifier,
  patchEmbeddings,
  sectionOf,
  stackSizes,
  tokenEmbeddings,
  type UsualSizes,
} from './clip-layers.ts';
import { torchCrossAttention } from '../torch-attention.ts';

const usual: UsualSizes = {
  activation: 'gelu_pytorch_tanh',
  eps: 1e-6,
  size: 768,
  width: 3072,
  heads: 12,
};

const textRoot = 'text_model.';
const imageRoot = 'vision_model.';

/** Declares the weights of a `SiglipModel`. */
export function siglip(config: Config, loader: WeightLoader): DualEncoderDefinition {
  if (headName(config) !== 'Model') config.refuse('architectures');
  const [text, vision] = [sectionOf(config, 'text'), sectionOf(config, 'vision')];
  if (!hasPooler(vision)) vision.refuse('vision_use_head', 'true, as images are compared by it');
  const { size } = stackSizes(vision, usual);
  if (projectionSize(text) !== size) {
    text.invalid('projection_size', `${size}, the width of the vectors of images`);
  }
  const norm = unitNorm(loader, size);
  const definition = {
    text: { ...textStack(text, loader), head: new EmbeddingHead('textEmbeds', { norm }) },
    vision: {
      ...imageStack(vision, loader),
      pooler: imagePooler(vision, loader),
      head: new EmbeddingHead('imageEmbeds', { norm }),
    },
    similarity: new SimilarityHead({
      scale: loader.vector('logit_scale', 1),
      bias: loader.vector('logit_bias', 1),
      loss: sigmoidLoss,
    }),
  };
  text.refuseUnread();
  vision.refuseUnread();
  return definition;
}

/** Declares the weights of a `SiglipTextModel`. */
export function siglipText(config: Config, loader: WeightLoader): SequenceDefinition {
  if (headName(config) !== 'Model') config.refuse('architectures');
  baseRoot(config, loader, textRoot, 'embeddings.token_embedding.weight');
  return textStack(config, loader);
}

/** Declares the weights of a `SiglipVisionModel`. */
export function siglipVision(config: Config, loader: WeightLoader): SequenceDefinition {
  if (headName(config) !== 'Model') config.refuse('architectures');
  baseRoot(config, loader, imageRoot, 'embeddings.patch_embedding.weight');
  const stack = imageStack(config, loader);
  return hasPooler(config) ? { ...stack, pooler: imagePooler(config, loader) } : stack;
}

/** Declares the weights of a `SiglipForImageClassification`. */
export function siglipClassifier(config: Config, loader: WeightLoader): SequenceDefinition {
  const own = { usual, images: imageStack, first: 0 };
  return imageClassifier(config, loader, own);
}

function projectionSize(config: Config): number {
  return config.integer('projection_size', stackSizes(config, usual).size);
}

function textStack(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = stackSizes(config, usual);
  const { size, eps } = sizes;
  const usualTokens = { size, vocabulary: 32000, maxPositions: 64 };
  return {
    ...tokenInput(tokenEmbeddings(config, loader, textRoot, usualTokens)),
    stack: {
      ...clipStack(config, loader, textRoot, sizes),
      finalNorm: layerNormWeights(loader, `${textRoot}final_layer_norm`, size, eps),
    },
    causal: false,
    pooler: new TokenPooler({
      choose: lastToken,
      layers: [{ linear: loader.linear(`${textRoot}head`, projectionSize(config), size) }],
    }),
  };
}

/** The last token, be it padding. */
const lastToken: ChooseToken = ({ batch, length }) => Array<number>(batch).fill(length - 1);

function imageStack(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = stackSizes(config, usual);
  const { size, eps } = sizes;
  const embeddings = { size, usualPatch: 16, bias: true, hasClass: false };
  return {
    input: new ImageInput(patchEmbeddings(config, loader, imageRoot, embeddings)),
    vocabulary: 0,
    maxPositions: Infinity,
    stack: {
      ...clipStack(config, loader, imageRoot, sizes),
      finalNorm: layerNormWeights(loader, `${imageRoot}post_layernorm`, size, eps),
    },
    causal: false,
  };
}

function hasPooler(config: Config): boolean {
  return config.boolean('vision_use_head', true);
}

function imagePooler(config: Config, loader: WeightLoader): Pooler {
  const sizes = stackSizes(config, usual);
  const { size, heads, eps } = sizes;
  const root = `${imageRoot}head`;
  return new AttentionPooler({
    probe: loader.matrix(`${root}.probe`, 1, size, {
      dtype: 'f32',
      stored: (rows) => [1, rows, size],
    }),
    attention: torchCrossAttention(loader, `${root}.attention`, size, heads),
    norm: layerNormWeights(loader, `${root}.layernorm`, size, eps),
    feedForward: clipFeedForward(loader, `${root}.mlp`, sizes),
  });
}
