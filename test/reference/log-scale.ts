// Likenesses times the exponential of one number, plus another.

import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** Both terms of each element. */
function terms(inputs: Inputs, params: Params, constants: Constants): [number, number][] {
  const [x, scale] = [floats(inputs, 'x'), floats(inputs, 'scale')[0]!];
  const bias = constants['HAS_BIAS'] === true ? floats(inputs, 'bias')[0]! : 0;
  return Array.from({ length: scalar(params, 'size') }, (_, i) => [x[i]! * Math.exp(scale), bias]);
}

export const logScale: Reference = {
  twin: (inputs, params, constants) => ({
    y: Float64Array.from(terms(inputs, params, constants), ([a, b]) => a + b),
  }),
  // The error of an exponential grows with its argument.
  conditions: (inputs, params, constants) => ({
    y: {
      length: 1,
      magnitude: Float64Array.from(
        terms(inputs, params, constants),
        ([a, b]) => Math.abs(a) * (1 + Math.abs(floats(inputs, 'scale')[0]!)) + Math.abs(b),
      ),
    },
  }),
};
