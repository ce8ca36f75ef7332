// A weight with a low-rank update in some of its rows, and the gradient of that update.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** y[i, j] = W[i, j] + scale · delta[i - first, j], where there is such a row of delta. */
function updated(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [weight, delta] = [floats(inputs, 'weight'), floats(inputs, 'delta')];
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const y = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const k = i - scalar(params, 'first');
    const hasUpdate = k >= 0 && k < scalar(params, 'count');
    for (let j = 0; j < columns; j++) {
      const update = hasUpdate ? scalar(params, 'scale') * delta[k * columns + j]! : 0;
      y[i * columns + j] = value(weight[i * scalar(params, 'pitch') + j]!) + value(update);
    }
  }
  return y;
}

export const lora: Reference = {
  twin: (inputs, params) => ({ y: updated(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    y: { length: 1, magnitude: updated(inputs, params, Math.abs) },
  }),
};

/** ddelta[k, j] = scale · dy[first + k, j]; rows that dy does not have stay as they were. */
function rowsOf(inputs: Inputs, params: Params): Float64Array {
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const [first, count] = [scalar(params, 'first'), scalar(params, 'count')];
  const dy = floats(inputs, 'dy');
  const isWhole = first >= 0 && first + count <= rows;
  const ddelta = isWhole
    ? new Float64Array(count * columns)
    : Float64Array.from(floats(inputs, 'ddelta'));
  for (let k = Math.max(0, -first); k < count && first + k < rows; k++) {
    for (let j = 0; j < columns; j++) {
      ddelta[k * columns + j] = scalar(params, 'scale') * dy[(first + k) * columns + j]!;
    }
  }
  return ddelta;
}

export const loraBackward: Reference = {
  twin: (inputs, params) => ({ ddelta: rowsOf(inputs, params) }),
  conditions: (inputs, params) => ({
    ddelta: { length: 1, magnitude: rowsOf(inputs, params).map(Math.abs) },
  }),
};
