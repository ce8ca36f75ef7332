// Labels of images that nobody trained: a model of texts and images says how alike each label's sentence and an image
// are ("Learning Transferable Visual Models From Natural Language Supervision", Radford et al., 2021, arXiv
// 2103.00020, §3.1).

import type { ImageInput } from '../../images/read-image.ts';
import type { DenseTensor } from '../../model/inputs/inputs.ts';
import { entryOf, eachText, inBatches, padRows, type TokenRow } from '../batches.ts';
import { checkLabels, hypotheses } from '../candidate-labels.ts';
import { forwardImages } from './image-batches.ts';
import type { LabelScore } from '../label-scores.ts';
import { greatest, sigmoid, softmax } from '../scores.ts';
import {
  checkOptions,
  encodeText,
  type ImageTaskParts,
  oneOrMany,
  type TaskOutput,
  type TextParts,
} from '../task.ts';

export interface ZeroShotImageOptions {
  /** The sentence that a label makes in place of `{}`; "This is a photo of {}." when absent. */
  hypothesisTemplate?: string;
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

type Parts = ImageTaskParts & TextParts;

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
      const forward = (pixelValues: DenseTensor): Promise<TaskOutput> =>
        likeness(parts, rows, { pixelValues, length: isSiglip ? siglipLength : 0, signal });
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

interface LikenessOptions {
  readonly pixelValues: DenseTensor;
  /** What texts are filled up to at least. */
  readonly length: number;
  readonly signal: AbortSignal | undefined;
}

/** How alike images and texts are, whatever number of texts there are. */
async function likeness(
  parts: Parts,
  rows: readonly TokenRow[],
  { pixelValues, length, signal }: LikenessOptions,
): Promise<TaskOutput> {
  const { model, tokenizer } = parts;
  const takesMask = tokenizer.modelInputNames.includes('attention_mask');
  const perText = await inBatches(rows, { tokens, signal }, async (batch) => {
    const { inputIds, attentionMask } = padRows(parts, batch, tokenizer.paddingSide, length);
    const texts = { inputIds, ...(takesMask && { attentionMask }) };
    const output = await model.forward({ ...texts, pixelValues }, signal ? { signal } : {});
    return batch.map((_, at) => entryOf(output, ['logitsPerText'], at, task).data);
  });
  const [images = 0] = pixelValues.shape;
  const data = Float32Array.from({ length: images * rows.length }, (_, i) => {
    const [image, text] = [Math.floor(i / rows.length), i % rows.length];
    return perText[text]?.[image] ?? NaN;
  });
  return { logitsPerImage: { data, shape: [images, rows.length] } };
}
