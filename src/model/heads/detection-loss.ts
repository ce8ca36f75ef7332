// The loss of objects that are looked for: "End-to-End Object Detection with Transformers" (Carion et al., 2020,
// arXiv 2005.12872), §3.1, as Hugging Face's models compute it. Objects are matched with tokens in the list.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import type { Plan } from '../../runtime/plan.ts';
import { show } from '../../runtime/print.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { boxLoss, type BoxLossOptions } from '../../shaders/loss/box-loss.ts';
import { crossEntropy } from '../../shaders/loss/cross-entropy.ts';
import { type MatchCosts, matchBoxes, matchedLabels } from '../../shaders/loss/match-boxes.ts';
import type { Config } from '../config.ts';
import type { ImageObjects } from '../model.ts';
import type { RecordedLoss, SequenceLabels } from './head.ts';

export interface DetectionLossOptions extends BoxLossOptions {
  /** What a match costs. */
  readonly costs: MatchCosts;
  /** What a token counts that is to say that there is nothing; one with an object counts 1. */
  readonly nothing: number;
}

/** The factors of the loss, by their names in config.json. */
export function detectionLossOptions(config: Config): DetectionLossOptions {
  return {
    costs: {
      class: config.number('class_cost', 1),
      box: config.number('bbox_cost', 5),
      overlap: config.number('giou_cost', 2),
    },
    nothing: config.number('eos_coefficient', 0.1),
    distance: config.number('bbox_loss_coefficient', 5),
    overlap: config.number('giou_loss_coefficient', 2),
  };
}

/** Appends the loss of each token. logits: (B, tokens, C), the last class being nothing; boxes: (B, tokens, 4). */
export function recordDetectionLoss(
  logits: Tensor,
  boxes: Tensor,
  { costs, nothing: rest, ...factors }: DetectionLossOptions,
  room: number,
): RecordedLoss {
  const { recording } = logits;
  const [batch, tokens, columns] = [logits.size(0), logits.size(1), logits.size(2)];
  const objects = {
    classes: recording.persistent('classes of objects', [batch, room], 'u32'),
    places: recording.persistent('boxes of objects', [batch, room, 4]),
    sizes: recording.persistent('numbers of objects', [batch], 'u32'),
    shares: recording.persistent('shares of classes and boxes', [2]),
  };
  const matched = matchBoxes(logits, boxes, objects, costs);
  const { label, weights } = matchedLabels(matched, objects, { nothing: columns - 1, rest });
  const ofClasses = columnScale(crossEntropy(logits, label), weights);
  return {
    losses: add(ofClasses, boxLoss(boxes, matched, objects, factors)),
    write(plan: Plan, { rows, boxes: given = [] }: SequenceLabels): void {
      const filled = (values: readonly (readonly number[])[], size: number): number[] =>
        values.flatMap((row) => [...row, ...Array<number>(size - row.length).fill(0)]);
      const count = rows.reduce((sum, row) => sum + row.length, 0);
      plan.write(objects.classes, Uint32Array.from(filled(rows, room)));
      plan.write(objects.places, Float32Array.from(filled(given, 4 * room)));
      plan.write(
        objects.sizes,
        Uint32Array.from(rows, ({ length }) => length),
      );
      // Python divides by the weights of all tokens, and by the objects; a list's losses are means over images.
      const all = count + rest * (batch * tokens - count);
      plan.write(objects.shares, Float32Array.of(batch / all, batch / Math.max(count, 1)));
    },
  };
}

/** Objects take room in multiples of this, so that lists are reused. */
const ROOM = 8;

/**
 * The objects of each image as labels. `classes`: those that there are; `tokens`: objects that an image may have.
 * @throws TransformerError INPUT_INVALID
 */
export function objectLabels(
  given: readonly unknown[],
  { batch, classes, tokens }: { batch: number; classes: number; tokens: number },
): SequenceLabels {
  if (given.length !== batch) {
    throw wrong(`labels are ${show(given)}; wanted the objects of ${batch} images.`);
  }
  const images = given.map((image, index) => checkObjects(image, { index, classes, tokens }));
  const rows = images.map(({ classLabels }) => classLabels);
  const most = rows.reduce((longest, { length }) => Math.max(longest, length), 1);
  return {
    rows,
    boxes: images.map(({ boxes }) => boxes.flat()),
    steps: [],
    room: Math.min(tokens, Math.ceil(most / ROOM) * ROOM),
    count: batch,
  };
}

function checkObjects(
  image: unknown,
  { index, classes, tokens }: { index: number; classes: number; tokens: number },
): ImageObjects {
  const { classLabels, boxes } = Object(image) as Partial<Record<keyof ImageObjects, unknown>>;
  if (!Array.isArray(classLabels) || !Array.isArray(boxes) || classLabels.length !== boxes.length) {
    throw wrong(
      `labels[${index}] is ${show(image)}; wanted { classLabels, boxes } of an image, as many of one as of the other.`,
    );
  }
  if (boxes.length > tokens) {
    throw wrong(
      `labels[${index}] has ${boxes.length} objects, but this model looks for ${tokens}. Leave some out.`,
    );
  }
  const isClass = (label: unknown): boolean =>
    Number.isInteger(label) && Number(label) >= 0 && Number(label) < classes;
  const other = classLabels.findIndex((label) => !isClass(label));
  if (other >= 0) {
    throw wrong(
      `labels[${index}].classLabels[${other}] is ${show(classLabels[other])}; wanted a whole number from 0 to ${classes - 1}.`,
    );
  }
  const unfit = boxes.findIndex((box) => !isBox(box));
  if (unfit >= 0) {
    throw wrong(
      `labels[${index}].boxes[${unfit}] is ${show(boxes[unfit])}; wanted centre (x, y), width and height as parts of ` +
        'the image, from 0 to 1.',
    );
  }
  return { classLabels, boxes };
}

function isBox(box: unknown): boolean {
  const isPart = (value: unknown): boolean => Number(value) >= 0 && Number(value) <= 1;
  return isListOf(box, (value) => typeof value === 'number' && isPart(value)) && box.length === 4;
}

function wrong(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}
