// Scaling, and bounding by tanh.

import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

function rescaled(inputs: Inputs, params: Params, constants: Constants): Float64Array {
  const factor = scalar(params, 'factor');
  return floats(inputs, 'x').map((x) =>
    constants['CAPPED'] === true ? factor * Math.tanh(x / factor) : x * factor,
  );
}

export const scale: Reference = {
  twin: (inputs, params, constants) => ({ y: rescaled(inputs, params, constants) }),
  // tanh never enlarges a relative error.
  conditions: (inputs, params, constants) => ({
    y: { length: 1, magnitude: rescaled(inputs, params, constants).map(Math.abs) },
  }),
};

/** `sign`: what is lost to the cap is taken away, or added for magnitudes. */
function throughCap(inputs: Inputs, params: Params, sign: 1 | -1): Float64Array {
  const [y, dy] = [floats(inputs, 'y'), floats(inputs, 'dy')];
  const cap = scalar(params, 'factor');
  return dy.map((slope, i) => slope * (1 + sign * (y[i]! / cap) ** 2));
}

export const softCapBackward: Reference = {
  twin: (inputs, params) => ({ dx: throughCap(inputs, params, -1) }),
  conditions: (inputs, params) => ({
    dx: { length: 1, magnitude: throughCap(inputs, params, 1).map(Math.abs) },
  }),
};
