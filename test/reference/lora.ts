// A matrix with a low-rank update in some of its rows and columns, and the gradient of that update.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** y[i, j] = W[i, j] + scale · delta[i - first, j - left], where delta has such an element. */
function updated(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [weight, delta] = [floats(inputs, 'weight'), floats(inputs, 'delta')];
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const [left, width] = [scalar(params, 'left'), scalar(params, 'width')];
  const y = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const k = i - scalar(params, 'first');
    const hasUpdate = k >= 0 && k < scalar(params, 'count');
    for (let j = 0; j < columns; j++) {
      const l = j - left;
      const isIn = hasUpdate && l >= 0 && l < width;
      const update = isIn ? scalar(params, 'scale') * delta[k * width + l]! : 0;
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

/** ddelta[k, j] = scale · dy[first + k, left + j]; rows that dy does not have stay as they were. */
function rowsOf(inputs: Inputs, params: Params): Float64Array {
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const [first, count] = [scalar(params, 'first'), scalar(params, 'count')];
  const [left, width] = [scalar(params, 'left'), scalar(params, 'width')];
  const dy = floats(inputs, 'dy');
  const isWhole = first >= 0 && first + count <= rows;
  const ddelta = isWhole
    ? new Float64Array(count * width)
    : Float64Array.from(floats(inputs, 'ddelta'));
  for (let k = Math.max(0, -first); k < count && first + k < rows; k++) {
    for (let j = 0; j < width; j++) {
      ddelta[k * width + j] = scalar(params, 'scale') * dy[(first + k) * columns + left + j]!;
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
