// y[b, i, j] = activation(Σ_k x[b, i, k] · W[b, k, j] + bias[j]) + residual[b, i, j]

import { activation } from './activation.ts';
import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

function product(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  value: (x: number) => number,
  activate: (x: number) => number,
): Float64Array {
  const [x, weight] = [floats(inputs, 'x'), floats(inputs, 'weight')];
  const bias = inputs['bias'] && floats(inputs, 'bias');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const [batches, rows] = [scalar(params, 'batches'), scalar(params, 'rows')];
  const [columns, depth] = [scalar(params, 'columns'), scalar(params, 'depth')];
  const [pitch, stride] = [scalar(params, 'pitch'), scalar(params, 'weight_stride')];
  // Kernels without the switch take W as (columns, depth) only.
  const transposed = constants['TRANSPOSED'] ?? true;
  const xTransposed = constants['X_TRANSPOSED'] === true;
  const y = new Float64Array(batches * rows * columns);
  for (let b = 0; b < batches; b++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          const w = transposed === true ? j * pitch + k : k * pitch + j;
          const at = xTransposed ? (b * depth + k) * rows + i : (b * rows + i) * depth + k;
          sum += value(x[at]!) * value(weight[b * stride + w]!);
        }
        const at = (b * rows + i) * columns + j;
        y[at] = activate(sum + value(bias?.[j] ?? 0)) + value(residual?.[at] ?? 0);
      }
    }
  }
  return y;
}

export const matmul: Reference = {
  twin: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const activate = (x: number): number => activation(code, x);
    return { y: product(inputs, params, constants, (x) => x, activate) };
  },
  // No activation is steeper than 1.13, so the error of the sum passes through unchanged.
  conditions: (inputs, params, constants) => ({
    y: {
      length: scalar(params, 'depth'),
      magnitude: product(inputs, params, constants, Math.abs, (x) => x),
    },
  }),
};
