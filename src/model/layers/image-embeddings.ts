// Vectors of images: a linear projection of their patches, between tokens that all images have in common, with the
// positions of both ("An Image is Worth 16x16 Words", Dosovitskiy et al., 2020, arXiv 2010.11929, §3.1).

import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { imageTokens } from '../../shaders/image/image-tokens.ts';
import { type ImageSize, patches } from '../../shaders/image/patches.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import type { BetweenLayers } from './stack.ts';

/** What makes vectors of images. */
export interface ImageEmbeddings {
  /** (d_model, channels · height · width of a patch) */
  readonly projection: Linear;
  /** (P + behind, d_model): tokens before the patches, and behind them; none when absent */
  readonly around?: Tensor;
  /** (placed + N + behind, d_model): of the first of those tokens, of the patches, row by row, and of the last */
  readonly positions: Tensor;
  readonly placed: number;
  readonly behind: number;
  /** Positions that are added behind each layer but the last, where there are some. */
  readonly between?: readonly Tensor[] | undefined;
  /** Whether images of all sizes are taken, unasked. */
  readonly anySize: boolean;
  /** Whether positions for fewer patches are filtered. */
  readonly filters: boolean;
  readonly channels: number;
  /** Of images, and of their patches, in pixels. */
  readonly size: ImageSize;
  readonly patch: ImageSize;
  /** Of all of them, with their positions. */
  readonly norm?: NormWeights;
  /** Rate of dropout in training; none when absent. */
  readonly dropout?: number;
}

/** What images become. */
export interface EmbeddedImages {
  /** (B, P + N' + behind, d_model) */
  readonly vectors: Tensor;
  /** Adds positions to what each layer but the last gives, where there are some. */
  readonly between: BetweenLayers | undefined;
}

/**
 * pixels: (B, channels, height, width). `stretch`: what the position of each token is of those that were trained,
 * (placed + N' + behind, placed + N + behind); the same when absent.
 */
export function embedImages(
  pixels: Tensor,
  images: ImageEmbeddings,
  stretch: Tensor | undefined,
): EmbeddedImages {
  const {
    projection,
    around,
    positions,
    placed,
    behind,
    between,
    patch,
    norm,
    dropout: rate = 0,
  } = images;
  const own = linear(patches(pixels, patch), projection, { label: 'patches' });
  const stretched = (table: Tensor): Tensor =>
    stretch ? matmul(stretch, table, { label: 'positions' }) : table;
  const tables = between?.map(stretched);
  const parts = { patches: own, around, positions: stretched(positions) };
  const tokens = imageTokens(parts, placed, behind);
  return {
    vectors: dropout(norm ? normalize(tokens, norm, { label: 'embedding norm' }) : tokens, rate),
    between:
      tables &&
      ((output, index) => {
        const table = tables[index];
        return table ? imageTokens({ patches: output, positions: table }, 0) : output;
      }),
  };
}
