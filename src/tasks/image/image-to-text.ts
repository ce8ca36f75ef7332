// Texts about images: captions, or the text that stands in them, by an encoder of images and a decoder.

import type { ImageInput } from '../../images/read-image.ts';
import type { GenerateOptions } from '../../model/generation/options.ts';
import type { GenerateResult } from '../../model/model.ts';
import {
  checkTextOptions,
  type GeneratedText,
  settledOptions,
  textOf,
  type TextOptions,
} from '../generation.ts';
import { eachImages } from './image-batches.ts';
import {
  checkText,
  type ImageTaskInputs,
  type ImageTaskParts,
  oneOrMany,
  type TaskModel,
  type TextTokenizer,
} from '../task.ts';

export interface ImageToTextOptions extends TextOptions {
  /** What the text begins with, of models that go on from texts, such as BLIP. */
  prompt?: string;
}

/** The texts about an image, `numReturnSequences` of them; several images give a list of each. */
export interface ImageToText {
  (image: ImageInput, options?: ImageToTextOptions): Promise<GeneratedText[]>;
  (images: readonly ImageInput[], options?: ImageToTextOptions): Promise<GeneratedText[][]>;
  /** Writes about one image, piece by piece. */
  stream(image: ImageInput, options?: ImageToTextOptions): AsyncGenerator<string, void, undefined>;
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
  /** The tokens of the prompt, and what decides how a text goes on. */
  const settled = (options: ImageToTextOptions) => {
    checkTextOptions(task, options, ['prompt']);
    const { prompt, ...others } = options;
    const text = prompt === undefined ? undefined : tokenizer.encode(checkText('prompt', prompt));
    const generation = settledOptions(parts, others, text === undefined ? 1 : text.length - 1);
    return { text, generation };
  };
  const write = async (
    input: ImageInput | readonly ImageInput[],
    options: ImageToTextOptions = {},
  ): Promise<GeneratedText[] | GeneratedText[][]> => {
    const { text, generation } = settled(options);
    return oneOrMany(input, (images) =>
      eachImages(parts, images, options.signal, async (pixelValues, pictures) => {
        const { sequences } = await model.generate(
          { pixelValues, ...(text && { inputIds: pictures.map(() => text) }) },
          generation,
        );
        const texts = sequences.map((ids) => ({ generatedText: tokenizer.decode(ids) }));
        const each = texts.length / pictures.length;
        return pictures.map((_, at) => texts.slice(at * each, (at + 1) * each));
      }),
    );
  };
  const stream = async function* (
    image: ImageInput,
    options: ImageToTextOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    const { text, generation } = settled(options);
    const [pixelValues] = await eachImages(parts, [image], options.signal, (values) =>
      Promise.resolve([values]),
    );
    if (pixelValues === undefined) return;
    const inputs = { pixelValues, ...(text && { inputIds: [text] }) };
    // The token that ends the prompt is none that the text goes on from.
    yield* textOf(parts, model.stream(inputs, generation), text?.slice(0, -1));
  };
  return Object.assign(write, { stream }) as ImageToText;
}
