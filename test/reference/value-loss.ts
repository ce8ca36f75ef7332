// The loss of labels that are numbers: squared, or the binary cross entropy of flags.

import { type Constants, floats, type Inputs, type Reference } from './twin.ts';

function each(
  inputs: Inputs,
  constants: Constants,
  values: {
    readonly flag: (x: number, label: number, dy: number) => number;
    readonly number: (x: number, label: number, dy: number) => number;
  },
): Float64Array {
  const label = floats(inputs, 'label');
  const dy = inputs['dy'] === undefined ? label : floats(inputs, 'dy');
  const value = constants['FLAGS'] === true ? values.flag : values.number;
  return floats(inputs, 'x').map((x, i) => value(x, label[i]!, dy[i]!));
}

export const valueLoss: Reference = {
  twin: (inputs, _params, constants) => ({
    y: each(inputs, constants, {
      flag: (x, label) => Math.max(x, 0) - x * label + Math.log1p(Math.exp(-Math.abs(x))),
      number: (x, label) => (x - label) ** 2,
    }),
  }),
  // The logarithm is taken of a number near 1.
  conditions: (inputs, _params, constants) => ({
    y: {
      length: 2,
      magnitude: each(inputs, constants, {
        flag: (x, label) => 1 + Math.abs(x) + Math.abs(x * label),
        number: (x, label) => (Math.abs(x) + Math.abs(label)) ** 2,
      }),
    },
  }),
};

export const valueLossBackward: Reference = {
  twin: (inputs, _params, constants) => ({
    dx: each(inputs, constants, {
      flag: (x, label, dy) => (1 / (1 + Math.exp(-x)) - label) * dy,
      number: (x, label, dy) => 2 * (x - label) * dy,
    }),
  }),
  // The error of an exponential grows with its argument.
  conditions: (inputs, _params, constants) => ({
    dx: {
      length: 2,
      magnitude: each(inputs, constants, {
        flag: (x, label, dy) => (1 + Math.abs(x) + Math.abs(label)) * Math.abs(dy),
        number: (x, label, dy) => 2 * (Math.abs(x) + Math.abs(label)) * Math.abs(dy),
      }),
    },
  }),
};
