// The list of kernels that makes a model's numbers of pictures.

import { TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { Plan } from '../runtime/plan.ts';
import { Recording } from '../runtime/record.ts';
import type { ImageFilter } from '../shaders/image/filters.ts';
import type { ImageSize } from '../shaders/image/patches.ts';
import { pixelValues } from '../shaders/image/pixel-values.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { resampling, type ResamplingTensors, resize } from '../shaders/image/resample.ts';
import type { Pixels } from './pixels.ts';

/** The middle of a resized picture. */
export interface PicturePart {
  readonly picture: Pixels;
  /** What the picture is resized to. */
  readonly size: ImageSize;
  /** What is taken of its middle; where it is larger, there are bytes of 0 around. */
  readonly part: ImageSize;
  readonly filter: ImageFilter;
}

type Words = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** (pictures, channels, height, width). `values`: (channels, 256), what each byte becomes. Errors: LIMIT_EXCEEDED. */
export async function pictureValues(
  gpu: Gpu,
  parts: readonly PicturePart[],
  values: Float32Array<ArrayBuffer>,
  shape: readonly number[],
): Promise<Float32Array<ArrayBuffer>> {
  const size = shape.reduce((product, n) => product * n, 1);
  checkSize(gpu, size, `${shape.join(' × ')} pixel values`);
  for (const {
    picture: { height, width },
  } of parts) {
    checkSize(gpu, height * width, `An image of ${height} × ${width} pixels`);
  }
  const recording = new Recording(gpu);
  const list = new PictureList(recording);
  try {
    const table = list.given('values of bytes', [values.length / 256, 256], values);
    const y = recording.persistent('pixelValues', shape);
    parts.forEach((part, index) => list.add(part, table, y, index));
    const plan = await Plan.create(recording, [y]);
    list.write(plan);
    const [bytes = new ArrayBuffer(0)] = await plan.play();
    return new Float32Array(bytes);
  } finally {
    recording.dispose();
  }
}

/** What is recorded of pictures, with what is to be written before it is played. */
class PictureList {
  readonly #recording: Recording;
  readonly #contents: (readonly [Tensor, Words])[] = [];

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  given(label: string, shape: readonly number[], data: Words): Tensor {
    const dtype = data instanceof Float32Array ? 'f32' : 'u32';
    const tensor = this.#recording.persistent(label, shape, dtype);
    this.#contents.push([tensor, data]);
    return tensor;
  }

  /** Records picture `index` of `y`. */
  add(
    { picture, size, part, filter }: PicturePart,
    values: Tensor,
    y: Tensor,
    index: number,
  ): void {
    const { words, height, width } = picture;
    const pixels = this.given('picture', [height, width], words);
    const down = this.#axis(height, size[0], part[0], filter);
    const across = this.#axis(width, size[1], part[1], filter);
    const resized = resize(pixels, size, { down: down.samples, across: across.samples });
    pixelValues({ pixels: resized, values, y }, { top: down.start, left: across.start }, index);
  }

  write(plan: Plan): void {
    for (const [tensor, data] of this.#contents) plan.write(tensor, data);
  }

  /** Where the middle of a resized axis starts, and the samples that it is made of; none where it stays as long. */
  #axis(
    from: number,
    to: number,
    part: number,
    filter: ImageFilter,
  ): { start: number; samples?: ResamplingTensors } {
    const start = Math.floor((to - part) / 2);
    if (from === to) return { start };
    const first = Math.max(0, start);
    const count = Math.min(to, start + part) - first;
    const { windows, weights, taps } = resampling(from, to, filter, { first, count });
    const samples = {
      windows: this.given('windows', [count, 2], windows),
      weights: this.given('weights', [count, taps], new Uint32Array(weights.buffer)),
    };
    return { start: start - first, samples };
  }
}

/** Refuses what no buffer of the device holds. */
function checkSize(gpu: Gpu, numbers: number, what: string): void {
  if (4 * numbers <= gpu.bindingLimit) return;
  throw new TransformerError(
    'LIMIT_EXCEEDED',
    `${what} need ${4 * numbers} bytes in one buffer; this device allows ${gpu.bindingLimit}. Pass smaller or ` +
      'fewer images.',
  );
}
