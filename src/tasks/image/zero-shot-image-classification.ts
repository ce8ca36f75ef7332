// Labels of images that nobody trained: a model of texts and images says how alike each label's sentence and an image
// are ("Learning Transferable Visual Models From Natural Language Supervision", Radford et al., 2021, arXiv
// 2103.00020, §3.1).

import type { ImageInput } from '../../images/read-image.ts';
import { below } from '../../model/inputs/dense-rows.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { entryOf, eachText, inBatches, padRows, type TokenRow } from '../batches.ts';
import { checkLabels, hypotheses } from '../candidate-labels.ts';
import { forwardImages } from './image-batches.ts';
import type { LabelScore } from '../label-scores.ts';
import { greatest, sigmoid, softmax } from '../scores.ts';
import {
  checkOptions,
  encodeText,
  type ImageTaskInputs,
  type ImageTaskParts,
  oneOrMany,
  type TaskOutput,
  type TextParts,
} from '../task.ts';

/** How images are compared with labels. */
export interface ZeroShotImageOptions {
  /** The sentence that a label makes in place of `{}`; "This is a photo of {}." when absent. */
  hypothesisTemplate?: string;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** All labels of an image, the best first; several images give a list of each. */
export interface ZeroShotImageClassification {
  /** `candidateLabels` may be one string with commas between the labels. */
  (
    image: ImageInput,
    candidateLabels: string | readonly string[],
    options?: ZeroShotImageOptions,
  ): Promise<LabelScore[]>;
  (
    images: readonly ImageInput[],
    candidateLabels: string | readonly string[],
    options?: ZeroShotImageOptions,
  ): Promise<LabelScore[][]>;
}

interface Parts extends ImageTaskParts, TextParts {
  readonly model: TextParts['model'] &
    Pick<ImageTaskParts['model'], 'gpu'> & {
      forward(
        inputs: Partial<ImageTaskInputs>,
        options?: { signal?: AbortSignal },
      ): Promise<TaskOutput>;
    };
}

const task = 'zero-shot-image-classification';

/** SigLIP was trained on texts that are all this long, padding included. */
const siglipLength = 64;

/** Tokens of texts that go together at most. */
const tokens = 8192;

export function zeroShotImageClassification(parts: Parts): ZeroShotImageClassification {
  const isSiglip = String(parts.model.config['model_type']).startsWith('siglip');
  const classify = async (
    input: ImageInput | readonly ImageInput[],
    candidateLabels: string | readonly string[],
    options: ZeroShotImageOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> => {
    checkOptions(task, options, { hypothesisTemplate: 'text', signal: 'signal' });
    const { hypothesisTemplate: template = 'This is a photo of {}.', signal } = options;
    const labels = checkLabels(candidateLabels);
    const sentences = labels.map(hypotheses(template));
    return oneOrMany(input, async (images) => {
      const rows = await eachText(sentences, signal, (sentence) =>
        isSiglip
          ? encodeText(parts, sentence, undefined, 'longest', siglipLength)
          : encodeText(parts, sentence, undefined),
      );
      const until = signal ? { signal } : {};
      const textEmbeds = await readTexts(parts, rows, isSiglip ? siglipLength : 0, signal);
      const forward = (pixelValues: DenseTensor): Promise<TaskOutput> =>
        parts.model.forward({ pixelValues, textEmbeds }, until);
      return forwardImages(parts, images, { task, signal, forward }, (read) => {
        const { data } = read('logitsPerImage');
        // Each label by itself, or one of them all.
        const scores = isSiglip ? Array.from(data, sigmoid) : softmax(data);
        return greatest(scores, scores.length).map((at) => ({
          label: labels[at] ?? '',
          score: scores[at] ?? 0,
        }));
      });
    });
  };
  return classify as ZeroShotImageClassification;
}

/** The vectors of texts, filled up to `least` tokens, whatever number of texts there are: (M, d). */
async function readTexts(
  parts: Parts,
  rows: readonly TokenRow[],
  least: number,
  signal: AbortSignal | undefined,
): Promise<DenseTensor> {
  const { model, tokenizer } = parts;
  const takesMask = tokenizer.modelInputNames.includes('attention_mask');
  const vectors = await inBatches(rows, { tokens, signal }, async (batch) => {
    const { inputIds, attentionMask } = padRows(parts, batch, tokenizer.paddingSide, least);
    const texts = { inputIds, ...(takesMask && { attentionMask }) };
    const output = await model.forward(texts, signal ? { signal } : {});
    return batch.map((_, at) => {
      const { data, shape } = entryOf(output, ['textEmbeds'], at, task);
      return { data, shape: [1, ...shape] };
    });
  });
  return below(vectors);
}
