// y = activation(gate) · value, side by side in each row of x (arXiv 2002.05202, §2).

import { activation, activationMagnitude, derivative } from './activation.ts';
import { slopeMagnitude } from './elementwise.ts';
import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** One result for each pair of gate and value. */
function pairs(
  inputs: Inputs,
  params: Params,
  join: (gate: number, value: number) => number,
): Float64Array {
  const x = floats(inputs, 'x');
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  const isTurned = scalar(params, 'value_first') === 1;
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const at = 2 * columns * Math.floor(i / columns) + (i % columns);
    const [left, right] = [x[at]!, x[at + columns]!];
    return isTurned ? join(right, left) : join(left, right);
  });
}

export const gated: Reference = {
  twin: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    return { y: pairs(inputs, params, (gate, value) => activation(code, gate) * value) };
  },
  // The activation errs by roundoffs of its argument, see `activate`.
  conditions: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const magnitude = pairs(
      inputs,
      params,
      (gate, value) => activationMagnitude(code, gate) * Math.abs(value),
    );
    return { y: { length: 1, magnitude } };
  },
};

type Term = (gate: number, value: number) => number;

/** dy times one term for the gate and one for the value. */
function backward(inputs: Inputs, params: Params, dGate: Term, dValue: Term): Float64Array {
  const dy = floats(inputs, 'dy');
  const columns = scalar(params, 'columns');
  const isTurned = scalar(params, 'value_first') === 1;
  const [gates, values] = [pairs(inputs, params, dGate), pairs(inputs, params, dValue)];
  return Float64Array.from({ length: 2 * dy.length }, (_, i) => {
    const [row, column] = [Math.floor(i / columns / 2), i % (2 * columns)];
    const at = row * columns + (column % columns);
    return dy[at]! * (column < columns !== isTurned ? gates : values)[at]!;
  });
}

/** dx: what reaches the gate through the activation's slope, and the value through the gate. */
export const gatedBackward: Reference = {
  twin: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const dGate: Term = (gate, value) => value * derivative(code, gate);
    return { dx: backward(inputs, params, dGate, (gate) => activation(code, gate)) };
  },
  conditions: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    const dGate: Term = (gate, value) => value * slopeMagnitude(code, gate);
    const dValue: Term = (gate) => activationMagnitude(code, gate);
    const magnitude = backward(inputs, params, dGate, dValue).map(Math.abs);
    return { dx: { length: 1, magnitude } };
  },
};
