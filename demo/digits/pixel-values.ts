// What the model takes: gray values, normalized by the mean and the deviation of MNIST's.

import type { DenseTensor } from 'webgpu-transformer';
import type { JsonObject } from '../../src/source/json.ts';
import { pixelsOf, side } from './digits.ts';

const mean = 0.1307;
const deviation = 0.3081;

/** preprocessor_config.json of the model. */
export const preprocessing: JsonObject = {
  image_processor_type: 'ViTImageProcessor',
  do_resize: true,
  size: { height: side, width: side },
  resample: 2,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [mean],
  image_std: [deviation],
};

/** Pictures of 28 × 28 values from 0 to 1 as a model's input: (B, 1, 28, 28). */
export function pixelValues(pictures: readonly Float32Array[]): DenseTensor {
  const data = new Float32Array(pictures.length * pixelsOf);
  for (const [i, picture] of pictures.entries()) {
    data.set(
      picture.map((value) => (value - mean) / deviation),
      i * pixelsOf,
    );
  }
  return { data, shape: [pictures.length, 1, side, side] };
}
