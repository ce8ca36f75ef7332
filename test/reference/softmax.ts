// Softmax, cross entropy and argmax of rows.

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

/** loss = log Σ exp(x) - x[label], 0 for ignored rows. */
export const crossEntropy: Reference = {
  twin: (inputs, params) => {
    const labels = integers(inputs, 'label');
    const loss = rowsOf(inputs, params).map((row, i) => {
      if (labels[i] === ignored) return 0;
      const value = row[labels[i]!];
      if (value === undefined) throw new RangeError(`row ${i} has no column ${labels[i]}`);
      return logSumExp(row) - value;
    });
    return { loss: Float64Array.from(loss) };
  },
  conditions: (inputs, params): Record<string, Condition> => {
    const labels = integers(inputs, 'label');
    const magnitude = rowsOf(inputs, params).map((row, i) =>
      labels[i] === ignored ? 0 : 1 + Math.abs(logSumExp(row)) + Math.abs(row[labels[i]!]!),
    );
    return {
      loss: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) },
    };
  },
};

/** index = the first column that is not suppressed and holds the largest value of those; else 0. */
export const argmax: Reference = {
  twin: (inputs, params) => {
    const suppressed = inputs['suppressed'] && integers(inputs, 'suppressed');
    const index = rowsOf(inputs, params).map((row) => {
      let best = -1;
      row.forEach((value, j) => {
        if ((suppressed?.[j] ?? 0) === 0 && (best < 0 || value > row[best]!)) best = j;
      });
      return Math.max(best, 0);
    });
    return { index: Uint32Array.from(index) };
  },
  conditions: () => ({ index: { length: 0, magnitude: 0 } }),
};
