// The loss of labels in their order at whatever steps, in a list.

import type { Plan } from '../../runtime/plan.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { ctcLoss } from '../../shaders/loss/ctc-loss.ts';
import { placeNumbers, placesOf } from './ctc-places.ts';
import type { RecordedLoss, SequenceLabels } from './head.ts';

export interface CtcLossOptions {
  /** The class that stands for no label. */
  readonly blank: number;
  /** Of a batch: the sum of its losses, or the mean of each over the number of its labels. */
  readonly reduction: 'sum' | 'mean';
}

/** Appends the loss of each sequence. logits: (B, T, C); `room`: labels of a sequence at most. */
export function recordCtcLoss(
  logits: Tensor,
  { blank, reduction }: CtcLossOptions,
  room: number,
): RecordedLoss {
  const { recording } = logits;
  const [batch, columns, places] = [logits.size(0), logits.size(-1), placesOf(room)];
  const bound = {
    classes: recording.persistent('classes of places', [batch, places], 'u32'),
    sizes: recording.persistent('steps and places', [batch, 2], 'u32'),
    links: recording.persistent('places of classes', [batch, columns + places], 'u32'),
  };
  const losses = ctcLoss(logits, bound);
  const weights = reduction === 'mean' ? recording.persistent('weights', [batch]) : undefined;
  return {
    losses: weights === undefined ? losses : columnScale(losses, weights),
    write(plan: Plan, labels: SequenceLabels): void {
      const numbers = placeNumbers(labels, { places, columns, blank });
      plan.write(bound.classes, numbers.classes);
      plan.write(bound.sizes, numbers.sizes);
      plan.write(bound.links, numbers.links);
      if (weights === undefined) return;
      plan.write(
        weights,
        Float32Array.from(labels.rows, ({ length }) => 1 / Math.max(1, length)),
      );
    },
  };
}
