// Labels of images.

import type { ImageInput } from '../../images/read-image.ts';
import { forwardImages } from './image-batches.ts';
import { labelOptionKinds, type LabelScore, labelScores } from '../label-scores.ts';
import { checkOptions, type ImageTaskParts, oneOrMany } from '../task.ts';

/** How images are classified. */
export interface ImageClassificationOptions {
  /** The number of labels to give, the best first; null for all. Default 5. */
  topK?: number | null;
  /** From logits to scores; as the checkpoint's problem_type and number of labels say when absent. */
  functionToApply?: 'softmax' | 'sigmoid' | 'none';
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** The labels of an image, the best first; several images give a list of each. */
export interface ImageClassification {
  (image: ImageInput, options?: ImageClassificationOptions): Promise<LabelScore[]>;
  (images: readonly ImageInput[], options?: ImageClassificationOptions): Promise<LabelScore[][]>;
}

const task = 'image-classification';

export function imageClassification(parts: ImageTaskParts): ImageClassification {
  const classify = async (
    input: ImageInput | readonly ImageInput[],
    options: ImageClassificationOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> => {
    checkOptions(task, options, { ...labelOptionKinds, signal: 'signal' });
    const { topK = 5, functionToApply, signal } = options;
    return oneOrMany(input, (images) =>
      forwardImages(parts, images, { task, signal }, (read) =>
        labelScores(parts.model, read('logits').data, { topK, functionToApply }),
      ),
    );
  };
  return classify as ImageClassification;
}
