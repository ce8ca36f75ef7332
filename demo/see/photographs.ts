// A classifier of photographs that a visitor brings: a picture in, its likeliest labels and the attention of every
// layer out.

import { type DenseTensor, type ModelSource, pipeline } from 'webgpu-transformer';
import { labelScores } from '../../src/tasks/label-scores.ts';
import { context2d, create } from '../elements.ts';
import type { Seen } from './patch-map.ts';
import type { Sight } from './sight.ts';

type Classifier = Awaited<ReturnType<typeof load>>;

/** Labels that are shown. */
const mostLabels = 8;

export class Photographs {
  readonly #classifier: Classifier;
  /** What black and white become in each channel: pixel values as numbers of a canvas again. */
  readonly #tones: readonly (readonly [black: number, white: number])[];

  private constructor(classifier: Classifier, tones: (readonly [number, number])[]) {
    this.#classifier = classifier;
    this.#tones = tones;
  }

  /**
   * Loads a classifier of images, on a device of its own. `onProgress` gets the bytes read and those there are.
   * @throws TransformerError what `pipeline` throws
   */
  static async load(
    source: ModelSource,
    onProgress: (loaded: number, total: number) => void,
  ): Promise<Photographs> {
    const classifier = await load(source, onProgress);
    const [black, white] = [await toneOf(classifier, 0), await toneOf(classifier, 255)];
    return new Photographs(
      classifier,
      black.map((value, channel) => [value, white[channel] ?? 1]),
    );
  }

  async read(photograph: HTMLCanvasElement): Promise<Sight> {
    const { model, imageProcessor } = this.#classifier;
    const start = performance.now();
    const { pixelValues } = await imageProcessor.process(model.gpu, photograph);
    const { logits, attentions = [] } = await model.forward({ pixelValues }, { attentions: true });
    const time = performance.now() - start;
    const scores = labelScores(model, logits?.data ?? new Float32Array(), { topK: mostLabels });
    const [, , , tokens = 0] = attentions[0]?.shape ?? [];
    return { scores, attentions, seen: this.#seen(pixelValues, tokens), time, model };
  }

  /** What the page calls the model. */
  get name(): string {
    const { config } = this.#classifier.model;
    return `${String(config['model_type'])}, ${Number(config['image_size'])} pixels`;
  }

  dispose(): void {
    this.#classifier.dispose();
  }

  /**
   * The picture as the model gets it, resized and cut, and its patches; undefined where the first of its tokens is
   * none beside them, which could tell where the model looks.
   */
  #seen({ data, shape }: DenseTensor, tokens: number): Seen | undefined {
    const [, channels = 1, height = 1, width = 1] = shape;
    const [down, across] = this.#patchSides();
    const [rows, columns] = [Math.floor(height / down), Math.floor(width / across)];
    if (!(rows * columns < tokens)) return undefined;
    const picture = create('canvas', { width, height });
    const context = context2d(picture);
    const image = context.createImageData(width, height);
    const size = width * height;
    for (let at = 0; at < size; at++) {
      for (let color = 0; color < 3; color++) {
        const channel = Math.min(color, channels - 1);
        const [black, white] = this.#tones[channel] ?? [0, 1];
        const value = data[channel * size + at] ?? 0;
        image.data[4 * at + color] = (255 * (value - black)) / (white - black);
      }
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return { picture, isInk: false, rows, columns };
  }

  #patchSides(): readonly [number, number] {
    const size = this.#classifier.model.config['patch_size'];
    if (Array.isArray(size)) return [Number(size[0]), Number(size[1])];
    return [Number(size), Number(size)];
  }
}

function load(source: ModelSource, onProgress: (loaded: number, total: number) => void) {
  return pipeline('image-classification', source, {
    onProgress: ({ loaded, total }) => onProgress(loaded, total),
  });
}

/** What a gray tone of 0 to 255 becomes in each channel. */
async function toneOf({ model, imageProcessor }: Classifier, tone: number): Promise<number[]> {
  const data = new Uint8Array([tone]);
  const { pixelValues } = await imageProcessor.process(model.gpu, {
    data,
    width: 1,
    height: 1,
    channels: 1,
  });
  const [, channels = 1] = pixelValues.shape;
  const size = pixelValues.data.length / channels;
  return Array.from({ length: channels }, (_, channel) => pixelValues.data[channel * size] ?? 0);
}
