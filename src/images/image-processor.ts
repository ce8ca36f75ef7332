// Pictures as a model takes them: resized, cut, and their bytes as numbers, on the GPU.

import type { DenseTensor } from '../model/inputs/inputs.ts';
import { readConfig } from '../model/read-configs.ts';
import { readProcessor } from '../model/read-processor.ts';
import { refuseUnknown, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import type { Gpu } from '../runtime/gpu.ts';
import { show } from '../runtime/print.ts';
import { requireGpu } from '../runtime/require-gpu.ts';
import type { ImageSize } from '../shaders/image/patches.ts';
import { isSource, type ModelSource, openSource } from '../source/open-source.ts';
import { type PicturePart, pictureValues } from './picture-values.ts';
import { greyOf, type Pixels } from './pixels.ts';
import {
  type Colour,
  imageSettings,
  type ImageSettings,
  processorClass,
} from './processor-settings.ts';
import { type ImageInput, readImage } from './read-image.ts';

/**
 * What a checkpoint does with pictures before its model sees them, as its preprocessor_config.json says: pixel values
 * are, to the rounding of f32, those of Hugging Face transformers with Pillow.
 * @example
 * const processor = await ImageProcessor.load('hf:google/vit-base-patch16-224');
 * const { logits } = await model.forward(await processor.process(model.gpu, 'cat.jpg'));
 */
export class ImageProcessor {
  readonly #settings: ImageSettings;

  private constructor(settings: ImageSettings) {
    this.#settings = settings;
  }

  /**
   * Reads the settings of a checkpoint. Errors: FILE_NOT_FOUND, FILE_INVALID, CONFIG_INVALID; MODEL_UNSUPPORTED
   * for what would change the result and is not known.
   */
  static async load(source: ModelSource, signal?: AbortSignal): Promise<ImageProcessor> {
    throwIfAborted(signal);
    const files = isSource(source) ? source : openSource(source);
    const processor = await readProcessor(files, ['image_processor'], signal);
    const family = async (): Promise<unknown> => (await readConfig(files, signal))['model_type'];
    return new ImageProcessor(imageSettings(processor, await processorClass(processor, family)));
  }

  /** What black and white are among pixel values, in each channel. */
  get range(): { readonly black: readonly number[]; readonly white: readonly number[] } {
    const { values } = this.#settings;
    const of = (byte: number): number[] => Array.from(values.filter((_, i) => i % 256 === byte));
    return { black: of(0), white: of(255) };
  }

  /** The height and width of the pixel values of a picture of this height and width. Errors: INPUT_INVALID. */
  sizeOf(size: readonly [height: number, width: number]): readonly [height: number, width: number] {
    const sides: unknown[] = Array.isArray(size) ? size : [];
    if (
      sides.length !== 2 ||
      !sides.every((side) => Number.isSafeInteger(side) && Number(side) > 0)
    ) {
      throw new TransformerError(
        'INPUT_INVALID',
        `The size of a picture is ${show(size)}; wanted [height, width] in pixels.`,
      );
    }
    return this.#settings.crop ?? this.#resized(size);
  }

  /**
   * Images as `forward` takes them: `pixelValues`, (B, channels, height, width). Images that become unlike sizes
   * are refused. Errors: INPUT_INVALID, FILE_*, LIMIT_EXCEEDED, ABORTED, and those of the GPU.
   */
  async process(
    gpu: Gpu,
    images: ImageInput | readonly ImageInput[],
    options: { signal?: AbortSignal } = {},
  ): Promise<{ pixelValues: DenseTensor }> {
    requireGpu(gpu);
    gpu.assertUsable();
    refuseUnknown(options, ['signal'], 'option of process');
    const { signal } = options;
    const list = Array.isArray(images) ? (images as readonly ImageInput[]) : [images as ImageInput];
    const pictures: Pixels[] = [];
    for (const image of list) pictures.push(await readImage(gpu, image, signal));
    return { pixelValues: await this.pixelValues(gpu, pictures, signal) };
  }

  /** The colours that pixels get the nearest of, of red, green and blue from -1 to 1; none of most models. */
  get clusters(): readonly Colour[] {
    return this.#settings.clusters ?? [];
  }

  /** Which of `clusters` is the nearest to each pixel, row by row; one list a picture. @internal */
  async nearestColours(
    gpu: Gpu,
    pictures: readonly Pixels[],
    signal: AbortSignal | undefined,
  ): Promise<number[][]> {
    const { data, shape } = await this.pixelValues(gpu, pictures, signal);
    const [batch = 0, , height = 0, width = 0] = shape;
    const size = height * width;
    return Array.from({ length: batch }, (_, row) =>
      Array.from({ length: size }, (__, pixel) => {
        const at = 3 * row * size + pixel;
        return nearest(this.clusters, data[at], data[at + size], data[at + 2 * size]);
      }),
    );
  }

  /** The same of pixels. @internal */
  async pixelValues(
    gpu: Gpu,
    pictures: readonly Pixels[],
    signal: AbortSignal | undefined,
  ): Promise<DenseTensor> {
    const sizes = pictures.map(({ height, width }) => this.sizeOf([height, width]));
    const [first = [0, 0]] = sizes;
    const unlike = sizes.find((size) => size.join() !== first.join());
    if (unlike !== undefined || pictures.length === 0) {
      const [one, other] = [first, unlike ?? first].map((size) => size.join(' × '));
      const why = unlike ? `become ${one} and ${other} pixels` : 'are none';
      throw new TransformerError(
        'INPUT_INVALID',
        `The images ${why}. Pass at least one, and those that become one size together.`,
      );
    }
    throwIfAborted(signal);
    const { channels, values } = this.#settings;
    const shape = [pictures.length, channels, ...first];
    const parts = pictures.map((picture) => this.#partOf(picture));
    return { data: await pictureValues(gpu, parts, values, shape), shape };
  }

  /** What of a picture is computed, and how. */
  #partOf(picture: Pixels): PicturePart {
    const { filter, channels } = this.#settings;
    const [height, width] = [picture.height, picture.width];
    const size = this.#resized([height, width]);
    if (size.includes(0)) {
      throw new TransformerError(
        'INPUT_INVALID',
        `An image of ${height} × ${width} pixels becomes one of ${size.join(' × ')}. Pass one that is less narrow.`,
      );
    }
    const part = this.#settings.crop ?? size;
    return { picture: channels === 1 ? greyOf(picture) : picture, size, part, filter };
  }

  #resized(size: ImageSize): ImageSize {
    return this.#settings.size?.(size) ?? size;
  }
}

/** The first of those that are nearest. */
function nearest(clusters: readonly Colour[], red = 0, green = 0, blue = 0): number {
  let [best, least] = [0, Infinity];
  for (const [index, [r, g, b]] of clusters.entries()) {
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (distance < least) [best, least] = [index, distance];
  }
  return best;
}
