// Softmax and cross entropy of rows.

import { type Condition, floats, type Inputs, integers, type Reference, scalar } from './twin.ts';
import type { Params } from './twin.ts';

function rowsOf(inputs: Inputs, params: Params): Float64Array[] {
  const x = floats(inputs, 'x');
  const columns = scalar(params, 'columns');
  return Array.from({ length: scalar(params, 'rows') }, (_, i) =>
    x.subarray(i * columns, (i + 1) * columns),
  );
}

function logSumExp(row: Float64Array): number {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** y[j] = exp(x[j]) / Σ exp(x) */
export const softmax: Reference = {
  twin: (inputs, params) => {
    const y = rowsOf(inputs, params).flatMap((row) => {
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const terms = row.map((value) => Math.exp(value - largest));
      const sum = terms.reduce((a, b) => a + b, 0);
      return Array.from(terms, (term) => term / sum);
    });
    return { y: Float64Array.from(y) };
  },
  // The rounding of x - max, and exp's own error, grow with the distance from the maximum.
  conditions: (inputs, params) => {
    const magnitude = rowsOf(inputs, params).flatMap((row) => {
      const lse = logSumExp(row);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const weights = row.map((value) => Math.exp(value - lse));
      const distance = row.map((value) => largest - value);
      const mean = weights.reduce((sum, weight, j) => sum + weight * distance[j]!, 0);
      return Array.from(weights, (weight, j) => weight * (1 + distance[j]! + mean));
    });
    return {
      y: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  },
};

/** The label -100 as an unsigned word. */
const ignored = 2 ** 32 - 100;

/** The row's label as a column, or undefined for ignored rows. */
function labelOf(labels: Uint32Array, row: number, columns: number): number | undefined {
  const label = labels[row]!;
  if (label === ignored) return undefined;
  if (label >= columns) throw new RangeError(`row ${row} has no column ${label}`);
  return label;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * loss = log Σ exp(x) - (1 - ε) · x[label] - ε · mean(x), 0 for ignored rows: the cross entropy with
 * a target that has 1 - ε on the label and ε spread over all columns.
 */
export const crossEntropy: Reference = {
  twin: (inputs, params) => {
    const labels = integers(inputs, 'label');
    const smoothing = scalar(params, 'smoothing');
    const loss = rowsOf(inputs, params).map((row, i) => {
      const label = labelOf(labels, i, row.length);
      if (label === undefined) return 0;
      return logSumExp(row) - (1 - smoothing) * row[label]! - smoothing * meanOf(row);
    });
    return { loss: Float64Array.from(loss) };
  },
  conditions: (inputs, params): Record<string, Condition> => {
    const labels = integers(inputs, 'label');
    const smoothing = scalar(params, 'smoothing');
    const magnitude = rowsOf(inputs, params).map((row, i) => {
      const label = labelOf(labels, i, row.length);
      if (label === undefined) return 0;
      const lse = Math.abs(logSumExp(row));
      const spread = smoothing * (lse + meanOf(row.map(Math.abs)));
      return 1 + lse + Math.abs(row[label]!) + spread;
    });
    return {
      loss: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  },
};

/** dx[j] = dloss · (softmax(x)[j] - target[j]), 0 for ignored rows. */
export const crossEntropyBackward: Reference = {
  twin: (inputs, params) => {
    const [labels, dloss] = [integers(inputs, 'label'), floats(inputs, 'dloss')];
    const smoothing = scalar(params, 'smoothing');
    const dx = rowsOf(inputs, params).flatMap((row, i) => {
      const label = labelOf(labels, i, row.length);
      if (label === undefined) return Array.from(row, () => 0);
      const lse = logSumExp(row);
      return Array.from(row, (value, j) => {
        const target = (j === label ? 1 - smoothing : 0) + smoothing / row.length;
        return dloss[i]! * (Math.exp(value - lse) - target);
      });
    });
    return { dx: Float64Array.from(dx) };
  },
  conditions: (inputs, params, constants) => {
    const [labels, dloss] = [integers(inputs, 'label'), floats(inputs, 'dloss')];
    const columns = scalar(params, 'columns');
    const weights = softmax.conditions(inputs, params, constants)['y']!.magnitude as Float64Array;
    const magnitude = weights.map((weight, at) => {
      const row = Math.floor(at / columns);
      if (labels[row] === ignored) return 0;
      const target = at % columns === labels[row] ? 1 : scalar(params, 'smoothing') / columns;
      return Math.abs(dloss[row]!) * (weight + target);
    });
    return { dx: { length: columns, magnitude } };
  },
};
