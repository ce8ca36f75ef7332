// Vectors of images: a linear projection of their patches, behind tokens that all images have in common, with the
// positions of both ("An Image is Worth 16x16 Words", Dosovitskiy et al., 2020, arXiv 2010.11929, §3.1).

import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { imageTokens } from '../../shaders/image/image-tokens.ts';
import { type ImageSize, patches } from '../../shaders/image/patches.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';

/** What makes vectors of images. */
export interface ImageEmbeddings {
  /** (d_model, channels · height · width of a patch) */
  readonly projection: Linear;
  /** (P, d_model): tokens before the patches */
  readonly first: Tensor;
  /** (placed + N, d_model): of the first of those tokens, then of the patches, row by row */
  readonly positions: Tensor;
  readonly placed: number;
  /** Whether images of all sizes are taken, unasked. */
  readonly anySize: boolean;
  /** Whether positions for fewer patches are filtered. */
  readonly filters: boolean;
  readonly channels: number;
  /** Of images, and of their patches, in pixels. */
  readonly size: ImageSize;
  readonly patch: ImageSize;
  /** Rate of dropout in training; none when absent. */
  readonly dropout?: number;
}

/**
 * pixels: (B, channels, height, width). `stretch`: what the position of each token is of those that were trained,
 * (placed + N', placed + N); the same when absent. Result: (B, P + N', d_model).
 */
export function embedImages(
  pixels: Tensor,
  { projection, first, positions, placed, patch, dropout: rate = 0 }: ImageEmbeddings,
  stretch: Tensor | undefined,
): Tensor {
  const own = linear(patches(pixels, patch), projection, { label: 'patches' });
  const table = stretch ? matmul(stretch, positions, { label: 'positions' }) : positions;
  return dropout(imageTokens({ patches: own, first, positions: table }, placed), rate);
}
