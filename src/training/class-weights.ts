// Classes that count more than others, as PyTorch's CrossEntropyLoss has them.

import { TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { add } from '../shaders/elementwise/add.ts';
import { columnScale } from '../shaders/elementwise/column-scale.ts';
import { scale } from '../shaders/elementwise/scale.ts';
import { crossEntropy } from '../shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../shaders/loss/ignored-label.ts';
import { labelWeights } from '../shaders/loss/label-weights.ts';
import { matmul } from '../shaders/matmul/matmul.ts';
import type { ModelInputs } from '../model/model.ts';
import type { Classified, TrainingBatch } from '../model/trainable-model.ts';
import { checkRange, invalidOption } from './check.ts';
import { classesOf, type Objective } from './objective.ts';

/**
 * Σ w_y · (1 - ε) · -log p_y + ε / C · Σ_c w_c · -log p_c over the labels y that count, divided by Σ w_y; ε spreads a part
 * of the target over all classes (Szegedy et al. 2016, §7).
 * @throws TransformerError OPTION_INVALID; when a batch is recorded for other classes, too
 */
export function weightedCrossEntropy(weights: readonly number[], smoothing: number): Objective {
  checkRange('labelSmoothing', smoothing, 0, 1);
  const given: unknown = weights;
  const isWeight = (weight: unknown): boolean => Number.isFinite(weight) && Number(weight) >= 0;
  if (!isListOf(given, isWeight) || given.length === 0) {
    throw invalidOption('classWeights', weights, 'a list of numbers from 0 on, one for each class');
  }
  return {
    name: 'weightedCrossEntropy',
    count: (inputs, batch) => weightIn(inputs, batch, weights),
    ...(smoothing > 0 && { evaluation: weightedCrossEntropy(weights, 0) }),
    record(recording, { from }) {
      const classified = classesOf(from, 'classWeights');
      const classes = classified.logits.size(-1);
      if (classes !== weights.length) {
        throw new TransformerError(
          'OPTION_INVALID',
          `classWeights has ${weights.length} numbers, but the model tells ${classes} classes apart. Pass one for each.`,
        );
      }
      const factor = recording.persistent('weights of classes', [classes]);
      const ones = recording.persistent('ones', [classes]);
      const shifts = recording.persistent('shifts', [1, classes]);
      const mean = weights.reduce((sum, weight) => sum + weight, 0) / classes;
      return {
        losses: weightedLosses(classified, { factor, ones, shifts, mean, smoothing }),
        write(plan) {
          plan.write(factor, Float32Array.from(weights));
          if (smoothing === 0) return;
          plan.write(ones, new Float32Array(classes).fill(1));
          plan.write(
            shifts,
            Float32Array.from(weights, (weight) => (mean - weight) / classes),
          );
        },
      };
    },
  };
}

interface ClassFactors {
  /** w, and as many ones: (C) */
  readonly factor: Tensor;
  readonly ones: Tensor;
  /** (mean of w - w) / C: (1, C) */
  readonly shifts: Tensor;
  readonly mean: number;
  readonly smoothing: number;
}

/** One loss a row of logits. Σ_c w_c · -log p_c / C = mean(w) · (log Σ exp(x) - mean(x)) + Σ_c (mean(w) - w_c) x_c / C. */
function weightedLosses(
  { logits, labels }: Classified,
  { factor, ones, shifts, mean, smoothing }: ClassFactors,
): Tensor {
  const own = columnScale(crossEntropy(logits, labels), labelWeights(labels, factor));
  if (smoothing === 0) return own;
  const even = scale(crossEntropy(logits, labels, 1), mean);
  const uneven = matmul(logits, shifts, { transposed: true, label: 'uneven classes' });
  const spread = columnScale(add(even, uneven), labelWeights(labels, ones));
  return add(scale(own, 1 - smoothing), scale(spread, smoothing));
}

/** What the labels of a batch weigh together. @throws TransformerError INPUT_INVALID, MODEL_UNSUPPORTED */
function weightIn(
  { labels = [] }: ModelInputs,
  batch: TrainingBatch,
  weights: readonly number[],
): number {
  const isCounted = (label: unknown): label is number =>
    typeof label === 'number' && label !== ignoredLabel;
  const counted = labels.flat().filter(isCounted);
  if (counted.length !== batch.labels) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      'classWeights are for classifiers, whose labels count as they are given. Leave them out.',
    );
  }
  const weight = counted.reduce((sum, label) => sum + (weights[label] ?? 0), 0);
  if (weight > 0) return weight;
  throw new TransformerError(
    'INPUT_INVALID',
    'The labels of the batch weigh nothing by classWeights. Leave such a batch out.',
  );
}
