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
