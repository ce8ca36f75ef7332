// Losses, as Hugging Face's models compute them: of classes in a list, of other labels from the logits that
// came back, in float64.

import type { Tensor } from '../../runtime/tensor.ts';
import { crossEntropy } from '../../shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../../shaders/loss/ignored-label.ts';
import type { DenseTensor, TokenBatch } from '../inputs/inputs.ts';

/** Appends the cross entropy of each row of logits with its class. */
export function classLosses(logits: Tensor, classes: Tensor): Tensor {
  return crossEntropy(logits, classes);
}

/** The mean over classes that count; the rows that fill up a list's length have none. */
export function meanLoss(losses: Float32Array, { rows }: TokenBatch): number {
  const counted = rows.flat().filter((label) => label !== ignoredLabel).length;
  return losses.reduce((sum, loss) => sum + loss, 0) / counted;
}

/** Mean squared error of numbers. */
export function squaredLoss({ data }: DenseTensor, labels: readonly number[]): number {
  return mean(data, (value, i) => (value - (labels[i] ?? 0)) ** 2);
}

/** Mean binary cross entropy of flags: -log sigmoid(x) and -log(1 - sigmoid(x)), without overflow. */
export function flagLoss({ data }: DenseTensor, labels: readonly number[]): number {
  return mean(
    data,
    (x, i) => Math.max(x, 0) - x * (labels[i] ?? 0) + Math.log1p(Math.exp(-Math.abs(x))),
  );
}

/** Mean cross entropy of places in sequences, (B, T); places outside do not count. */
export function placeLoss({ data, shape }: DenseTensor, places: readonly number[]): number {
  const length = shape[1] ?? 0;
  const losses = places.flatMap((place, row) => {
    if (place < 0 || place >= length) return [];
    const logits = data.subarray(row * length, (row + 1) * length);
    const most = logits.reduce((largest, value) => Math.max(largest, value), -Infinity);
    const sum = logits.reduce((exps, value) => exps + Math.exp(value - most), 0);
    return [most + Math.log(sum) - (logits[place] ?? NaN)];
  });
  return mean(losses, (loss) => loss);
}

function mean(values: ArrayLike<number>, loss: (value: number, index: number) => number): number {
  return Array.from(values, loss).reduce((sum, value) => sum + value, 0) / values.length;
}
