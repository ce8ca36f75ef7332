// What can be read off activations by a straight line.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { isListOf } from '../runtime/lists.ts';
import { show } from '../runtime/print.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import { checkRange } from '../training/check.ts';
import { checkCount, checkTensor } from './checks.ts';

/** Options of `trainProbe`. */
export interface ProbeOptions {
  /** How much long weights cost: half of it times their squared length comes to the mean loss; 0.01 by default. */
  penalty?: number;
  /** Steps of the fit at most; 200 by default. */
  steps?: number;
}

/** A linear classifier of activations. */
export interface Probe {
  /** (classes, d), of activations as they are. */
  readonly weight: DenseTensor;
  /** (classes) */
  readonly bias: Float32Array;
  /** The class of each row of states, (n, d). */
  predict(states: DenseTensor): number[];
  /** The part of the rows whose class it tells. */
  accuracy(states: DenseTensor, labels: readonly number[]): number;
}

/**
 * A linear probe: softmax regression on activations, with an L2 penalty, by gradient descent with the step of Barzilai and
 * Borwein. "Understanding intermediate layers using linear classifier probes" (Alain & Bengio 2016, arXiv 1610.01644).
 * `states`: (n, d) or (n, 1, d), an activation for each example; `labels`: the class of each, from 0 on.
 * @throws TransformerError INPUT_INVALID, OPTION_INVALID, OPTION_UNKNOWN
 * @example
 * const probe = trainProbe(states, labels);
 * probe.accuracy(heldOut, heldOutLabels);
 */
export function trainProbe(
  states: DenseTensor,
  labels: readonly number[],
  options: ProbeOptions = {},
): Probe {
  refuseUnknown(options, ['penalty', 'steps'], 'option of trainProbe');
  const { penalty = 0.01, steps = 200 } = options;
  checkRange('penalty', penalty, 0, Infinity);
  checkCount('steps', steps, 100_000);
  const rows = rowsOf(states);
  checkLabels(labels, rows.count);
  const classes = Math.max(...labels) + 1;
  const seen = new Set(labels).size;
  if (seen < 2 || seen < classes) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The labels name ${seen} of ${classes} classes; wanted two at least, and an example of each.`,
    );
  }
  return new LinearProbe(fit(standardized(rows), labels, { classes, penalty, steps }), rows.size);
}

/** Activations, row after row. */
interface Rows {
  readonly data: Float32Array | Float64Array;
  readonly count: number;
  readonly size: number;
}

/** The same with mean 0 and deviation 1 in each column, and what was taken off. */
interface Standardized extends Rows {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Weights of rows of d numbers and a 1, class after class. */
type Weights = Float64Array;

class LinearProbe implements Probe {
  readonly weight: DenseTensor;
  readonly bias: Float32Array;
  readonly #size: number;

  constructor(weights: Weights, size: number) {
    const classes = weights.length / (size + 1);
    this.#size = size;
    this.weight = {
      data: Float32Array.from({ length: classes * size }, (_, i) => {
        return weights[Math.floor(i / size) * (size + 1) + (i % size)] ?? 0;
      }),
      shape: [classes, size],
    };
    this.bias = Float32Array.from(
      { length: classes },
      (_, c) => weights[(c + 1) * (size + 1) - 1] ?? 0,
    );
  }

  predict(states: DenseTensor): number[] {
    const { data, count, size } = rowsOf(states);
    if (size !== this.#size) {
      throw new TransformerError(
        'INPUT_INVALID',
        `The states have ${size} numbers a row; wanted ${this.#size}, as those that the probe was trained on.`,
      );
    }
    return Array.from({ length: count }, (_, row) => {
      const scores = Array.from(this.bias, (bias, c) => {
        let score = bias;
        for (let i = 0; i < size; i++) {
          score += (this.weight.data[c * size + i] ?? 0) * (data[row * size + i] ?? 0);
        }
        return score;
      });
      return scores.indexOf(Math.max(...scores));
    });
  }

  accuracy(states: DenseTensor, labels: readonly number[]): number {
    const told = this.predict(states);
    checkLabels(labels, told.length);
    return told.filter((label, row) => label === labels[row]).length / told.length;
  }
}

function rowsOf(states: DenseTensor): Rows {
  checkTensor('states', states, 'of shape (n, d): one position of each example', (shape) => {
    return shape.length > 1 && shape.slice(1, -1).every((axis) => axis === 1);
  });
  const { data, shape } = states;
  return { data, count: shape[0] ?? 0, size: shape.at(-1) ?? 0 };
}

function checkLabels(labels: unknown, count: number): asserts labels is number[] {
  const isClass = (label: unknown): boolean => Number.isSafeInteger(label) && Number(label) >= 0;
  if (isListOf(labels, isClass) && labels.length === count) return;
  throw new TransformerError(
    'INPUT_INVALID',
    `The labels are ${show(labels)}; wanted ${count} classes from 0 on, one for each row of the states.`,
  );
}

function standardized({ data, count, size }: Rows): Standardized {
  const mean = new Float64Array(size);
  const deviation = new Float64Array(size);
  data.forEach((value, i) => (mean[i % size] = (mean[i % size] ?? 0) + value / count));
  data.forEach((value, i) => {
    const off = value - (mean[i % size] ?? 0);
    deviation[i % size] = (deviation[i % size] ?? 0) + off ** 2 / count;
  });
  deviation.forEach((square, i) => (deviation[i] = Math.sqrt(square) || 1));
  const own = Float64Array.from(data, (value, i) => {
    return (value - (mean[i % size] ?? 0)) / (deviation[i % size] ?? 1);
  });
  return { data: own, count, size, mean, deviation };
}

/** The weights, for rows as they were before they were standardized. */
function fit(
  rows: Standardized,
  labels: readonly number[],
  { classes, penalty, steps }: { classes: number; penalty: number; steps: number },
): Weights {
  const { size, mean, deviation } = rows;
  let weights: Weights = new Float64Array(classes * (size + 1));
  let gradient = gradientOf(rows, labels, weights, penalty);
  let rate = 1;
  for (let step = 0; step < steps; step++) {
    if (Math.hypot(...gradient) < 1e-8) break;
    const own = rate;
    const slope = gradient;
    const next = weights.map((weight, i) => weight - own * (slope[i] ?? 0));
    const after = gradientOf(rows, labels, next, penalty);
    // s·s / s·y, with s what the weights and y what the gradient moved by.
    let [along, turned] = [0, 0];
    next.forEach((weight, i) => {
      const moved = weight - (weights[i] ?? 0);
      along += moved ** 2;
      turned += moved * ((after[i] ?? 0) - (slope[i] ?? 0));
    });
    rate = turned > 0 ? Math.min(along / turned, 100) : 1;
    [weights, gradient] = [next, after];
  }
  for (let c = 0; c < classes; c++) {
    const own = weights.subarray(c * (size + 1), (c + 1) * (size + 1));
    for (let i = 0; i < size; i++) {
      const weight = (own[i] ?? 0) / (deviation[i] ?? 1);
      own[i] = weight;
      own[size] = (own[size] ?? 0) - weight * (mean[i] ?? 0);
    }
  }
  return weights;
}

/** The gradient of the mean cross entropy and the penalty, which biases are free of. */
function gradientOf(
  { data, count, size }: Rows,
  labels: readonly number[],
  weights: Weights,
  penalty: number,
): Weights {
  const width = size + 1;
  const classes = weights.length / width;
  const gradient = weights.map((weight, i) => (i % width === size ? 0 : penalty * weight));
  const scores = new Float64Array(classes);
  for (let row = 0; row < count; row++) {
    for (let c = 0; c < classes; c++) {
      let score = weights[c * width + size] ?? 0;
      for (let i = 0; i < size; i++)
        score += (weights[c * width + i] ?? 0) * (data[row * size + i] ?? 0);
      scores[c] = score;
    }
    const most = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
    for (let c = 0; c < classes; c++) {
      const share = Math.exp((scores[c] ?? 0) - most) / total - (labels[row] === c ? 1 : 0);
      for (let i = 0; i < size; i++) {
        gradient[c * width + i] =
          (gradient[c * width + i] ?? 0) + (share / count) * (data[row * size + i] ?? 0);
      }
      gradient[c * width + size] = (gradient[c * width + size] ?? 0) + share / count;
    }
  }
  return gradient;
}
