// y[b, i, j] = activation(Σ_k x[b, i, k] · W[b, k, j] + bias[j]) + residual[b, i, j]; gated, the columns
// of W and bias are twice as many, and y[b, i, j] = activation(… j) · (… columns + j). With SPLITS, the sums
// of as many equal slices of the depth, one result after the other.

import { activation, activationMagnitude } from './activation.ts';
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
  const slices = Number(constants['SPLITS'] ?? 1);
  const share = depth / slices;
  // What lies between the rows of a window stays as it was.
  const y =
    yPitch === columns
      ? new Float64Array(slices * batches * rows * columns)
      : Float64Array.from(floats(inputs, 'y'));
  const dot = (b: number, i: number, j: number, slice: number): number => {
    let sum = value(bias?.[j] ?? 0);
    for (let k = slice * share; k < (slice + 1) * share; k++) {
      const w = transposed === true ? j * pitch + k : k * pitch + j;
      const at = xTransposed ? (b * depth + k) * xPitch + i : (b * rows + i) * xPitch + k;
      sum += value(x[at]!) * value(weight[b * stride + w]!);
    }
    return sum;
  };
  for (let n = 0; n < slices * batches; n++) {
    const [slice, b] = [Math.floor(n / batches), n % batches];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = (n * rows + i) * yPitch + j;
        const other = constants['GATED'] === true ? dot(b, i, columns + j, slice) : NaN;
        y[at] = finish(dot(b, i, j, slice), other) + value(residual?.[at] ?? 0);
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
  conditions: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const magnitude = product(inputs, params, constants, Math.abs, (sum, other) => {
      const own = activationMagnitude(code, sum);
      return constants['GATED'] === true ? 2 * own * other : own;
    });
    return { y: { length: scalar(params, 'depth'), magnitude } };
  },
};

/** Σ of the slices, then the same. */
function joined(
  inputs: Inputs,
  params: Params,
  value: (x: number) => number,
  finish: (sum: number) => number,
): Float64Array {
  const partial = floats(inputs, 'partial');
  const bias = inputs['bias'] && floats(inputs, 'bias');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const [slices, rows] = [scalar(params, 'slices'), scalar(params, 'rows')];
  const [columns, yPitch] = [scalar(params, 'columns'), scalar(params, 'y_pitch')];
  const y =
    yPitch === columns ? new Float64Array(rows * columns) : Float64Array.from(floats(inputs, 'y'));
  for (let i = 0; i < rows * columns; i++) {
    const at = Math.floor(i / columns) * yPitch + (i % columns);
    let sum = value(bias?.[i % columns] ?? 0);
    for (let n = 0; n < slices; n++) sum += value(partial[n * rows * columns + i]!);
    y[at] = finish(sum) + value(residual?.[at] ?? 0);
  }
  return y;
}

export const matmulJoin: Reference = {
  twin: (inputs, params, constants) => ({
    y: joined(
      inputs,
      params,
      (x) => x,
      (sum) => activation(Number(constants['ACTIVATION']), sum),
    ),
  }),
  conditions: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const magnitude = joined(inputs, params, Math.abs, (sum) => activationMagnitude(code, sum));
    return { y: { length: scalar(params, 'slices'), magnitude } };
  },
};

/** For each row the power of two that brings its largest element to [2¹³, 2¹⁴), and its inverse. */
export const matmulScale: Reference = {
  twin: (inputs, params) => {
    const [x, pitch] = [floats(inputs, 'x'), scalar(params, 'x_pitch')];
    const wanted = Array.from({ length: scalar(params, 'rows') }, (_, row) => {
      const own = x.subarray(row * pitch, row * pitch + scalar(params, 'columns'));
      const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // Rows of zeros, and of less than an f32 can make up for, get the largest factor.
      const exponent = Math.max(-126, Math.floor(Math.log2(largest)) - 13);
      return [2 ** -exponent, 2 ** exponent];
    });
    return { scale: Float64Array.from(wanted.flat()) };
  },
  conditions: () => ({ scale: { length: 0, magnitude: 0 } }),
};
