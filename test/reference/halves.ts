// Numbers in f16, and back.

import { floats, type Inputs, type Reference } from './twin.ts';

/** The smallest normal number of f16, below which its numbers lie evenly. */
const smallestNormal = 2 ** -14;

function held(inputs: Inputs): Float64Array {
  return floats(inputs, 'x').map((x) => Math.min(Math.max(x, -65_504), 65_504));
}

export const packHalves: Reference = {
  twin: (inputs) => ({ y: held(inputs) }),
  conditions: (inputs) => {
    const magnitude = held(inputs).map((x) => Math.max(Math.abs(x), smallestNormal));
    return { y: { length: 0, magnitude } };
  },
};

export const unpackHalves: Reference = {
  twin: (inputs) => ({ y: floats(inputs, 'x') }),
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};
