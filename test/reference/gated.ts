// y = activation(gate) · value, side by side in each row of x (arXiv 2002.05202, §2).

import { activation } from './activation.ts';
import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** One result for each pair of gate and value. */
function pairs(
  inputs: Inputs,
  params: Params,
  join: (gate: number, value: number) => number,
): Float64Array {
  const x = floats(inputs, 'x');
  const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const at = 2 * columns * Math.floor(i / columns) + (i % columns);
    return join(x[at]!, x[at + columns]!);
  });
}

export const gated: Reference = {
  twin: (inputs, params, constants) => {
    const code = Number(constants['ACTIVATION']);
    return { y: pairs(inputs, params, (gate, value) => activation(code, gate) * value) };
  },
  // The activation errs by roundoffs of its argument, see `activate`.
  conditions: (inputs, params) => ({
    y: { length: 1, magnitude: pairs(inputs, params, (gate, value) => Math.abs(gate * value)) },
  }),
};
