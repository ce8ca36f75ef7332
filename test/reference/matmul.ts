// y[b, i, j] = activation(Σ_k x[b, i, k] · W[b, k, j] + bias[j]) + residual[b, i, j]; gated, the columns
// of W and bias are twice as many, and y[b, i, j] = activation(… j) · (… columns + j).

import { activation } from './activation.ts';
import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** `finish` makes a result of its sum and, when gated, of the sum that its activation applies to. */
function product(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  value: (x: number) => number,
  finish: (sum: number, other: number) => number,
): Float64Array {
  const [x, weight] = [floats(inputs, 'x'), floats(inputs, 'weight')];
  const bias = inputs['bias'] && floats(inputs, 'bias');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const [batches, rows] = [scalar(params, 'batches'), scalar(params, 'rows')];
  const [columns, depth] = [scalar(params, 'columns'), scalar(params, 'depth')];
  const [pitch, stride] = [scalar(params, 'pitch'), scalar(params, 'weight_stride')];
  const [xPitch, yPitch] = [scalar(params, 'x_pitch'), scalar(params, 'y_pitch')];
  // Kernels without the switch take W as (columns, depth) only.
  const transposed = constants['TRANSPOSED'] ?? true;
  const xTransposed = constants['X_TRANSPOSED'] === true;
  // What lies between the rows of a window stays as it was.
  const y =
    yPitch === columns
      ? new Float64Array(batches * rows * columns)
      : Float64Array.from(floats(inputs, 'y'));
  const dot = (b: number, i: number, j: number): number => {
    let sum = value(bias?.[j] ?? 0);
    for (let k = 0; k < depth; k++) {
      const w = transposed === true ? j * pitch + k : k * pitch + j;
      const at = xTransposed ? (b * depth + k) * xPitch + i : (b * rows + i) * xPitch + k;
      sum += value(x[at]!) * value(weight[b * stride + w]!);
    }
    return sum;
  };
  for (let b = 0; b < batches; b++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = (b * rows + i) * yPitch + j;
        const other = constants['GATED'] === true ? dot(b, i, columns + j) : NaN;
        y[at] = finish(dot(b, i, j), other) + value(residual?.[at] ?? 0);
      }
    }
  }
  return y;
}

/** activation(sum), or activation(sum) · other. */
function results(inputs: Inputs, params: Params, constants: Constants): Float64Array {
  const code = Number(constants['ACTIVATION']);
  const isGated = constants['GATED'] === true;
  return product(
    inputs,
    params,
    constants,
    (x) => x,
    (sum, other) => (isGated ? activation(code, sum) * other : activation(code, sum)),
  );
}

export const matmul: Reference = {
  twin: (inputs, params, constants) => ({ y: results(inputs, params, constants) }),
  // No activation is steeper than 1.13, so the error of the sum passes through unchanged. Of two sums
  // that are multiplied, the error of each is multiplied by the other: with their magnitudes instead,
  // which are no smaller, it is twice the product of the magnitudes.
  conditions: (inputs, params, constants) => ({
    y: {
      length: scalar(params, 'depth'),
      magnitude: product(inputs, params, constants, Math.abs, (sum, other) =>
        constants['GATED'] === true ? 2 * sum * other : sum,
      ),
    },
  }),
};
