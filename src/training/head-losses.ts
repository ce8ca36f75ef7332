// Losses of heads that forward computes of the logits that came back, in a list.

import type { Plan } from '../runtime/plan.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import type { Head, RecordedLoss, SequenceLabels } from '../model/heads/head.ts';
import { placesThatCount } from '../model/heads/span-head.ts';
import { add } from '../shaders/elementwise/add.ts';
import { columnScale } from '../shaders/elementwise/column-scale.ts';
import { reshape } from '../shaders/elementwise/reshape.ts';
import { takeColumns } from '../shaders/elementwise/take-columns.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import { valueLoss } from '../shaders/loss/value-loss.ts';

type LossKind = NonNullable<Head['lossOf']>;

/** Appends the loss of labels of this kind. */
export function recordLossOf(kind: LossKind, logits: Tensor): RecordedLoss {
  return kind === 'places' ? placeLosses(logits) : flagLosses(logits);
}

/** What is added to logits of tokens that only fill a list up: nothing is left of their exponentials. */
const beyond = -1e30;

/** Appends the mean of the cross entropies of starts and of ends over all tokens. logits: (B, T, 2). */
function placeLosses(logits: Tensor): RecordedLoss {
  const { recording } = logits;
  const [batch, length] = [logits.size(0), logits.size(1)];
  const filling = recording.persistent('logits of filling', [batch, length]);
  const places = [0, 1].map((column) => {
    const labels = recording.persistent('places', [batch], 'u32');
    const weights = recording.persistent('weights of places', [batch]);
    const own = reshape(takeColumns(logits, column, 1, 'logits of places'), [batch, length]);
    const losses = crossEntropy(add(own, filling), labels);
    return { labels, weights, losses: columnScale(losses, weights) };
  });
  return {
    losses: places.map(({ losses }) => losses).reduce((sum, losses) => add(sum, losses)),
    write(plan: Plan, { rows, steps, count }: SequenceLabels): void {
      const isFilling = (i: number): boolean => i % length >= (steps[Math.floor(i / length)] ?? 0);
      plan.write(
        filling,
        Float32Array.from({ length: batch * length }, (_, i) => (isFilling(i) ? beyond : 0)),
      );
      const counts = placesThatCount(rows);
      for (const [column, { labels, weights }] of places.entries()) {
        plan.write(
          labels,
          Uint32Array.from(rows, (row) => row[column] ?? ignoredLabel),
        );
        const weight = count === 0 ? 0 : count / 2 / (counts[column] ?? 1);
        plan.write(weights, new Float32Array(batch).fill(weight));
      }
    },
  };
}

/** Appends the binary cross entropy of each token. logits: (B, T, 1). */
function flagLosses(logits: Tensor): RecordedLoss {
  const { recording } = logits;
  const length = logits.size(1);
  const tokens = [elements(logits.shape)];
  const labels = recording.persistent('labels', tokens);
  const counted = recording.persistent('labels that count', tokens);
  return {
    losses: columnScale(valueLoss(reshape(logits, tokens), labels, true), counted),
    write(plan: Plan, { rows }: SequenceLabels): void {
      const all = rows.flatMap((row) => Array.from({ length }, (_, i) => row[i] ?? ignoredLabel));
      plan.write(
        labels,
        Float32Array.from(all, (label) => Math.max(0, label)),
      );
      plan.write(
        counted,
        Float32Array.from(all, (label) => Number(label !== ignoredLabel)),
      );
    },
  };
}
