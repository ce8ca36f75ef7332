// Objects in images, and where they are.

import type { Pixels } from '../../images/pixels.ts';
import type { ImageInput } from '../../images/read-image.ts';
import { seenObjects } from '../../model/heads/seen-objects.ts';
import type { ReadOutput } from '../batches.ts';
import { forwardImages } from './image-batches.ts';
import { checkOptions, type ImageTaskParts, labelName, oneOrMany } from '../task.ts';

/** Which objects are given. */
export interface ObjectDetectionOptions {
  /** Objects with a higher score are given, from 0 to 1. Default 0.5. */
  threshold?: number;
  /** Cancels the call, which then rejects with `ABORTED`. */
  signal?: AbortSignal;
}

/** An object in an image. */
export interface DetectedObject {
  /** How sure the model is, 0 to 1. */
  score: number;
  /** What it is, as config.json names it. */
  label: string;
  /** In whole pixels of the image as it was given, from its top left corner on. */
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
}

/** The objects in an image, none where there are none; several images give a list of each. */
export interface ObjectDetection {
  (image: ImageInput, options?: ObjectDetectionOptions): Promise<DetectedObject[]>;
  (images: readonly ImageInput[], options?: ObjectDetectionOptions): Promise<DetectedObject[][]>;
}

const task = 'object-detection';

export function objectDetection(parts: ImageTaskParts): ObjectDetection {
  const detect = async (
    input: ImageInput | readonly ImageInput[],
    options: ObjectDetectionOptions = {},
  ): Promise<DetectedObject[] | DetectedObject[][]> => {
    checkOptions(task, options, { threshold: 'share', signal: 'signal' });
    const { threshold = 0.5, signal } = options;
    return oneOrMany(input, (images) =>
      forwardImages(parts, images, { task, signal }, (read, picture) =>
        objectsIn(parts, read, picture).filter(({ score }) => score > threshold),
      ),
    );
  };
  return detect as ObjectDetection;
}

/** What each token of a detector sees, but for nothing, which is the last label. */
function objectsIn(
  { model }: ImageTaskParts,
  read: ReadOutput,
  { height, width }: Pixels,
): DetectedObject[] {
  const { data: logits, shape } = read('logits');
  const { data: boxes } = read('predBoxes');
  return seenObjects(logits, boxes, shape.at(-1) ?? 1).map(({ score, label, box }) => ({
    score,
    label: labelName(model, label),
    box: {
      xmin: Math.trunc(box.xmin * width),
      ymin: Math.trunc(box.ymin * height),
      xmax: Math.trunc(box.xmax * width),
      ymax: Math.trunc(box.ymax * height),
    },
  }));
}
