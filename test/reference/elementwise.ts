// Activations on their own, sums of tensors and of columns, and the transpose.

import { activation, activationMagnitude, derivative } from './activation.ts';
import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

// An error of x, which is exact here, passes no activation enlarged; see `matmul`.
export const activate: Reference = {
  twin: (inputs, _params, constants) => {
    const code = Number(constants['ACTIVATION']);
    return { y: floats(inputs, 'x').map((x) => activation(code, x)) };
  },
  conditions: (inputs, _params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const magnitude = floats(inputs, 'x').map((x) => activationMagnitude(code, x));
    return { y: { length: 1, magnitude } };
  },
};

/**
 * What flows into the slope: the share of x that passes, at most 1, and x times the density of that
 * share, whose exponent e is off by its own roundoff and so the density by |e| roundoffs.
 */
export function slopeMagnitude(code: number, x: number): number {
  const logistic = (z: number, slope: number): number => {
    const e = Math.exp(-Math.abs(z));
    return 1 + Math.abs(x * slope) * (e / (1 + e) ** 2) * (1 + Math.abs(z));
  };
  const root = 2 * Math.sqrt(2 / Math.PI);
  if (code === 2) {
    const exponent = (x * x) / 2;
    return 1 + Math.abs(x) * Math.exp(-exponent) * (1 + exponent);
  }
  if (code === 3) {
    return logistic(root * (x + 0.044715 * x ** 3), root * (1 + 3 * 0.044715 * x ** 2));
  }
  if (code === 6) return logistic(1.702 * x, 1.702);
  return code === 4 ? logistic(x, 1) : 1;
}

/** dx = dy · activation'(x) */
export const activateBackward: Reference = {
  twin: (inputs, _params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const dy = floats(inputs, 'dy');
    return { dx: floats(inputs, 'x').map((x, i) => dy[i]! * derivative(code, x)) };
  },
  conditions: (inputs, _params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const dy = floats(inputs, 'dy');
    const magnitude = floats(inputs, 'x').map((x, i) => Math.abs(dy[i]!) * slopeMagnitude(code, x));
    return { dx: { length: 1, magnitude } };
  },
};

export const add: Reference = {
  twin: (inputs) => {
    const b = floats(inputs, 'b');
    return { y: floats(inputs, 'a').map((a, i) => a + b[i]!) };
  },
  conditions: (inputs) => {
    const b = floats(inputs, 'b');
    const magnitude = floats(inputs, 'a').map((a, i) => Math.abs(a + b[i]!));
    return { y: { length: 1, magnitude } };
  },
};

/** y[b, j, i] = x[b, i, j] */
export const transpose: Reference = {
  twin: (inputs, params) => {
    const x = floats(inputs, 'x');
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const y = new Float64Array(scalar(params, 'batches') * rows * columns);
    for (let b = 0; b < scalar(params, 'batches'); b++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          y[(b * columns + j) * rows + i] = x[(b * rows + i) * columns + j]!;
        }
      }
    }
    return { y };
  },
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};

function sums(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const x = floats(inputs, 'x');
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const chunk = scalar(params, 'chunk');
  const y = new Float64Array(Math.ceil(rows / chunk) * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      y[Math.floor(i / chunk) * columns + j]! += value(x[i * columns + j]!);
    }
  }
  return y;
}

/** The sum of every `chunk` rows. */
export const columnSum: Reference = {
  twin: (inputs, params) => ({ y: sums(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'chunk'), magnitude: sums(inputs, params, Math.abs) },
  }),
};
