// Losses of logits that were brought back, in float64, as Hugging Face's models compute them.

import { TransformerError } from '../../runtime/errors.ts';
import { ignoredLabel } from '../../shaders/loss/cross-entropy.ts';
import type { DenseTensor } from '../inputs/inputs.ts';

/** A loss as an output: a number of shape (). */
export function lossOutput(value: number): DenseTensor {
  return { data: Float32Array.of(value), shape: [] };
}

/** Mean of -log softmax(row)[label] over the labels that count. `rows`: one row of logits a label. */
export function crossEntropyOf(rows: readonly Float32Array[], labels: readonly number[]): number {
  let [total, count] = [0, 0];
  labels.forEach((label, index) => {
    const row = rows[index];
    if (label === ignoredLabel || row === undefined) return;
    const most = row.reduce((largest, value) => Math.max(largest, value), -Infinity);
    const sum = row.reduce((exps, value) => exps + Math.exp(value - most), 0);
    total += most + Math.log(sum) - (row[label] ?? NaN);
    count += 1;
  });
  return total / count;
}

/**
 * The loss of a sequence classifier: mean squared error of one value, cross entropy of classes, or
 * binary cross entropy of flags, as `problem_type` or else the labels say.
 * @throws TransformerError INPUT_INVALID
 */
export function sequenceLoss(
  { data, shape }: DenseTensor,
  labels: readonly (number | readonly number[])[],
  problem: unknown,
): number {
  const [batch = 0, columns = 1] = shape;
  const rows = rowsOf(data, columns);
  const flat = labels.flat();
  const isFlags = problem === 'multi_label_classification';
  const isRegression = problem === 'regression' || (problem === undefined && columns === 1);
  const wanted = isFlags || isRegression ? batch * columns : batch;
  const isClass = (label: number): boolean =>
    label === ignoredLabel || (Number.isInteger(label) && label >= 0 && label < columns);
  if (flat.length !== wanted || (!isRegression && !isFlags && !flat.every(isClass))) {
    throw new TransformerError(
      'INPUT_INVALID',
      `labels are [${flat.slice(0, 8).join(', ')}]; wanted ${wanted} ` +
        (isRegression || isFlags ? 'numbers.' : `classes from 0 to ${columns - 1}.`),
    );
  }
  if (isRegression) return mean(data.map((value, i) => (value - (flat[i] ?? 0)) ** 2));
  if (isFlags) {
    // -log sigmoid(x) and -log(1 - sigmoid(x)), without overflow.
    return mean(
      data.map((x, i) => Math.max(x, 0) - x * (flat[i] ?? 0) + Math.log1p(Math.exp(-Math.abs(x)))),
    );
  }
  return crossEntropyOf(rows, flat);
}

/** Mean of the cross entropies of start and end; positions outside of the sequence do not count. */
export function spanLoss(
  start: DenseTensor,
  end: DenseTensor,
  startPositions: readonly number[],
  endPositions: readonly number[],
): number {
  const length = start.shape[1] ?? 0;
  const labels = (positions: readonly number[]): number[] =>
    positions.map((position) => (position >= 0 && position < length ? position : ignoredLabel));
  const starts = crossEntropyOf(rowsOf(start.data, length), labels(startPositions));
  return (starts + crossEntropyOf(rowsOf(end.data, length), labels(endPositions))) / 2;
}

/** The rows of row-major values. */
export function rowsOf(data: Float32Array, columns: number): Float32Array[] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    data.subarray(row * columns, (row + 1) * columns),
  );
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
