// The last hidden states of images, token by token or what the model's pooler makes of them; of models that compare
// images with texts, the vectors that they compare.

import type { ImageInput } from '../../images/read-image.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { forwardImages } from './image-batches.ts';
import { normalizedRows, stack } from '../pooling.ts';
import { checkOptions, type ImageTaskParts, listOf, oneOrMany } from '../task.ts';

/** Which vectors images become. */
export interface ImageFeatureExtractionOptions {
  /** One vector an image: what the model's pooler gives. Off by default. */
  pool?: boolean;
  /** Brings every vector to length 1. */
  normalize?: boolean;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

type Pooled = ImageFeatureExtractionOptions & { pool: true };

/**
 * Pooled: (N, d), one row an image. Not pooled: (1, T, d) with the tokens of the image, those before its patches
 * included, or (1, d) of models that compare images; an array of images gives one such tensor each.
 */
export interface ImageFeatureExtraction {
  (image: ImageInput | readonly ImageInput[], options: Pooled): Promise<DenseTensor>;
  (image: ImageInput, options?: ImageFeatureExtractionOptions): Promise<DenseTensor>;
  (images: readonly ImageInput[], options?: ImageFeatureExtractionOptions): Promise<DenseTensor[]>;
}

const task = 'image-feature-extraction';

export function imageFeatureExtraction(parts: ImageTaskParts): ImageFeatureExtraction {
  const extract = async (
    input: ImageInput | readonly ImageInput[],
    options: ImageFeatureExtractionOptions = {},
  ): Promise<DenseTensor | DenseTensor[]> => {
    checkOptions(task, options, { pool: 'boolean', normalize: 'boolean', signal: 'signal' });
    const { pool = false, normalize = false, signal } = options;
    const names = pool
      ? (['poolerOutput', 'imageEmbeds'] as const)
      : (['imageEmbeds', 'lastHiddenState'] as const);
    const states = (images: readonly ImageInput[]): Promise<DenseTensor[]> =>
      forwardImages(parts, images, { task, signal }, (read) => {
        const { data, shape } = read(...names);
        return { data: normalize ? normalizedRows(data, shape.at(-1) ?? 1) : data.slice(), shape };
      });
    if (pool) return stack((await states(listOf(input))).map(({ data }) => data));
    return oneOrMany(input, async (images) =>
      (await states(images)).map(({ data, shape }) => ({ data, shape: [1, ...shape] })),
    );
  };
  return extract as ImageFeatureExtraction;
}
