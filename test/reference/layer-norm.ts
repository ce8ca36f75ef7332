// y = (s - mean) / √(variance + ε) · weight + bias for each row of s = x + residual
// (arXiv 1607.06450, eq. 3 and 4; the variance is the biased one, as in PyTorch).

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

interface Row {
  readonly sums: Float64Array;
  readonly mean: number;
  /** 1 / √(variance + ε) */
  readonly inverse: number;
  /** Mean of |x| + |residual|. */
  readonly magnitude: number;
}

function rowOf(inputs: Inputs, params: Params, row: number): Row {
  const x = floats(inputs, 'x');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const columns = scalar(params, 'columns');
  const sums = new Float64Array(columns);
  let mean = 0;
  let magnitude = 0;
  for (let j = 0; j < columns; j++) {
    const at = row * columns + j;
    sums[j] = x[at]! + (residual?.[at] ?? 0);
    mean += sums[j]! / columns;
    magnitude += (Math.abs(x[at]!) + Math.abs(residual?.[at] ?? 0)) / columns;
  }
  let variance = 0;
  for (const sum of sums) variance += (sum - mean) ** 2 / columns;
  return { sums, mean, inverse: 1 / Math.sqrt(variance + scalar(params, 'eps')), magnitude };
}

export const layerNorm: Reference = {
  twin: (inputs, params) => {
    const [weight, bias] = [floats(inputs, 'weight'), floats(inputs, 'bias')];
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const sum = new Float64Array(rows * columns);
    const y = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const { sums, mean, inverse } = rowOf(inputs, params, i);
      sum.set(sums, i * columns);
      for (let j = 0; j < columns; j++) {
        y[i * columns + j] = (sums[j]! - mean) * inverse * weight[j]! + bias[j]!;
      }
    }
    return { sum, y };
  },
  // An error of the sums and of their mean is magnified by 1/σ, once directly and once through the
  // variance; a large mean with a small variance is where f32 loses digits.
  conditions: (inputs, params) => {
    const [weight, bias] = [floats(inputs, 'weight'), floats(inputs, 'bias')];
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const sum = new Float64Array(rows * columns);
    const y = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const { sums, mean, inverse, magnitude } = rowOf(inputs, params, i);
      for (let j = 0; j < columns; j++) {
        const normal = Math.abs((sums[j]! - mean) * inverse);
        const shift = (Math.abs(sums[j]!) + magnitude) * inverse * (1 + normal);
        sum[i * columns + j] = Math.abs(sums[j]!);
        y[i * columns + j] = Math.abs(weight[j]!) * (normal + shift) + Math.abs(bias[j]!);
      }
    }
    return { sum: { length: 1, magnitude: sum }, y: { length: columns, magnitude: y } };
  },
};
