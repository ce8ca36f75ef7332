// CLIP ("Learning Transferable Visual Models From Natural Language Supervision", Radford et al., 2021, arXiv
// 2103.00020): a text encoder whose tokens see what stands before them (§2.4) and a ViT, each with a projection to
// vectors that are compared by their cosine, times a learned factor (§2.3, figure 3).

import type { RmsNormWeights } from '../../../shaders/rows/norm.ts';
import type { Config } from '../../config.ts';
import type { DualEncoderDefinition, SequenceDefinition } from '../../definitions.ts';
import { EmbeddingHead, unitNorm } from '../../heads/embedding-head.ts';
import type { ChooseToken, Head } from '../../heads/head.ts';
import { baseRoot, headName } from '../../heads/head-name.ts';
import { type Pooler, TokenPooler } from '../../heads/pooler.ts';
import { SimilarityHead } from '../../heads/similarity-head.ts';
import { contrastiveLoss } from '../../heads/similarity-losses.ts';
import { ImageInput } from '../../inputs/image-inputs.ts';
import { tokenInput } from '../../inputs/token-inputs.ts';
import { layerNormWeights } from '../../layers/norm-weights.ts';
import type { WeightLoader } from '../../weights/weights.ts';
import {
  clipStack,
  imageClassifier,
  patchEmbeddings,
  sectionOf,
  stackSizes,
  tokenEmbeddings,
  type UsualSizes,
} from './clip-layers.ts';

const usual = { activation: 'quick_gelu', eps: 1e-5 };
const usualText: UsualSizes = { ...usual, size: 512, width: 2048, heads: 8 };
const usualImages: UsualSizes = { ...usual, size: 768, width: 3072, heads: 12 };

const textRoot = 'text_model.';
const imageRoot = 'vision_model.';

/** The end token of older files, which is none. */
const legacyEndToken = 2;

/** Declares the weights of a `CLIPModel`. */
export function clip(config: Config, loader: WeightLoader): DualEncoderDefinition {
  if (headName(config) !== 'Model') config.refuse('architectures');
  const size = config.integer('projection_dim', 512);
  const norm = unitNorm(loader, size);
  const [text, vision] = [sectionOf(config, 'text'), sectionOf(config, 'vision')];
  const definition = {
    text: { ...textStack(text, loader), head: textHead(text, loader, size, norm) },
    vision: {
      ...imageStack(vision, loader),
      pooler: imagePooler(vision, loader),
      head: imageHead(vision, loader, size, norm),
    },
    similarity: new SimilarityHead({
      scale: loader.vector('logit_scale', 1),
      loss: contrastiveLoss,
    }),
  };
  text.refuseUnread();
  vision.refuseUnread();
  return definition;
}

/** Declares the weights of a `CLIPTextModel…`. */
export function clipText(config: Config, loader: WeightLoader): SequenceDefinition {
  const end = headName(config);
  baseRoot(config, loader, textRoot, 'embeddings.token_embedding.weight');
  const stack = textStack(config, loader);
  if (end === 'Model') return stack;
  if (end !== 'ModelWithProjection') config.refuse('architectures');
  return { ...stack, head: textHead(config, loader, config.integer('projection_dim', 512)) };
}

/** Declares the weights of a `CLIPVisionModel…`. */
export function clipVision(config: Config, loader: WeightLoader): SequenceDefinition {
  const end = headName(config);
  baseRoot(config, loader, imageRoot, 'embeddings.class_embedding');
  const stack = { ...imageStack(config, loader), pooler: imagePooler(config, loader) };
  if (end === 'Model') return stack;
  if (end !== 'ModelWithProjection') config.refuse('architectures');
  return { ...stack, head: imageHead(config, loader, config.integer('projection_dim', 512)) };
}

/** Declares the weights of a `CLIPForImageClassification`. */
export function clipClassifier(config: Config, loader: WeightLoader): SequenceDefinition {
  const own = { usual: usualImages, images: imageStack, first: 1 };
  return imageClassifier(config, loader, own);
}

function textStack(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = stackSizes(config, usualText);
  const { size, eps } = sizes;
  const usualTokens = { size, vocabulary: 49408, maxPositions: 77 };
  return {
    ...tokenInput(tokenEmbeddings(config, loader, textRoot, usualTokens)),
    stack: {
      ...clipStack(config, loader, textRoot, sizes),
      finalNorm: layerNormWeights(loader, `${textRoot}final_layer_norm`, size, eps),
    },
    causal: true,
    pooler: new TokenPooler({ choose: endToken(config) }),
  };
}

/** The first end token; the first token where there is none. */
function endToken(config: Config): ChooseToken {
  const end = config.integer('eos_token_id', 49407, 0);
  return ({ ids }) => {
    if (ids === undefined) throw new RangeError('no token to choose');
    // The end token has the greatest id there is, unless tokens were added behind it.
    if (end === legacyEndToken) return ids.rows.map((row) => row.indexOf(Math.max(...row)));
    return ids.rows.map((row) => Math.max(0, row.indexOf(end)));
  };
}

function textHead(config: Config, loader: WeightLoader, size: number, norm?: RmsNormWeights): Head {
  const from = stackSizes(config, usualText).size;
  const projection = loader.linear('text_projection', size, from, { bias: false });
  return new EmbeddingHead('textEmbeds', { projection, ...(norm && { norm }) });
}

/** The patches of images through all layers; what is pooled of them has a norm of its own. */
function imageStack(config: Config, loader: WeightLoader): SequenceDefinition {
  const sizes = stackSizes(config, usualImages);
  const { size, eps } = sizes;
  const images = patchEmbeddings(config, loader, imageRoot, {
    size,
    usualPatch: 32,
    bias: false,
    hasClass: true,
  });
  // The name is misspelt in all files.
  const norm = layerNormWeights(loader, `${imageRoot}pre_layrnorm`, size, eps);
  return {
    input: new ImageInput({ ...images, norm }),
    vocabulary: 0,
    maxPositions: Infinity,
    stack: clipStack(config, loader, imageRoot, sizes),
    causal: false,
  };
}

function imagePooler(config: Config, loader: WeightLoader): Pooler {
  const { size, eps } = stackSizes(config, usualImages);
  return new TokenPooler({
    norm: layerNormWeights(loader, `${imageRoot}post_layernorm`, size, eps),
  });
}

function imageHead(
  config: Config,
  loader: WeightLoader,
  size: number,
  norm?: RmsNormWeights,
): Head {
  const from = stackSizes(config, usualImages).size;
  const projection = loader.linear('visual_projection', size, from, { bias: false });
  return new EmbeddingHead('imageEmbeds', { projection, ...(norm && { norm }) });
}
