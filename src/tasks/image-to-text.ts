// Texts about images: captions, or the text that stands in them, by an encoder of images and a decoder.

import type { ImageInput } from '../images/read-image.ts';
import type { GenerateOptions } from '../model/generation/options.ts';
import type { GenerateResult } from '../model/model.ts';
import { checkTextOptions, settledOptions, textOf, type TextOptions } from './generation.ts';
import { eachImages } from './image-batches.ts';
import {
  type ImageTaskInputs,
  type ImageTaskParts,
  oneOrMany,
  type TaskModel,
  type TextTokenizer,
} from './task.ts';
import type { GeneratedText } from './text-to-text.ts';

/** The texts about an image, `numReturnSequences` of them; several images give a list of each. */
export interface ImageToText {
  (image: ImageInput, options?: TextOptions): Promise<GeneratedText[]>;
  (images: readonly ImageInput[], options?: TextOptions): Promise<GeneratedText[][]>;
  /** Writes about one image, piece by piece. */
  stream(image: ImageInput, options?: TextOptions): AsyncGenerator<string, void, undefined>;
}

interface Parts {
  readonly model: Pick<ImageTaskParts['model'], 'gpu'> &
    Pick<TaskModel, 'generationConfig' | 'maxPositions'> & {
      generate(inputs: ImageTaskInputs, options?: GenerateOptions): Promise<GenerateResult>;
      stream(
        inputs: ImageTaskInputs,
        options?: GenerateOptions,
      ): AsyncGenerator<{ tokenIds: number[] }>;
    };
  readonly imageProcessor: ImageTaskParts['imageProcessor'];
  readonly tokenizer: TextTokenizer;
}

const task = 'image-to-text';

export function imageToText(parts: Parts): ImageToText {
  const { model, tokenizer } = parts;
  const write = async (
    input: ImageInput | readonly ImageInput[],
    options: TextOptions = {},
  ): Promise<GeneratedText[] | GeneratedText[][]> => {
    checkTextOptions(task, options);
    const generation = settledOptions(parts, options, 1);
    return oneOrMany(input, (images) =>
      eachImages(parts, images, options.signal, async (pixelValues, pictures) => {
        const { sequences } = await model.generate({ pixelValues }, generation);
        const texts = sequences.map((ids) => ({ generatedText: tokenizer.decode(ids) }));
        const each = texts.length / pictures.length;
        return pictures.map((_, at) => texts.slice(at * each, (at + 1) * each));
      }),
    );
  };
  const stream = async function* (
    image: ImageInput,
    options: TextOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    checkTextOptions(task, options);
    const [pixelValues] = await eachImages(parts, [image], options.signal, (values) =>
      Promise.resolve([values]),
    );
    if (pixelValues === undefined) return;
    yield* textOf(parts, model.stream({ pixelValues }, settledOptions(parts, options, 1)));
  };
  return Object.assign(write, { stream }) as ImageToText;
}
