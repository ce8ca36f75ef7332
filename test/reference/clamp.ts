// Bounds of weights.

import { floats, type Reference, scalar } from './twin.ts';

/** min(max(x, -limit), limit) */
function bounded(x: Float64Array, limit: number): Float64Array {
  return x.map((value) => Math.min(Math.max(value, -limit), limit));
}

const none = (length: number): { length: number; magnitude: Float64Array } => ({
  length: 1,
  magnitude: new Float64Array(length),
});

export const clamp: Reference = {
  twin: (inputs, params) => ({ y: bounded(floats(inputs, 'x'), scalar(params, 'limit')) }),
  // Numbers that stay are not rounded.
  conditions: (inputs) => ({ y: none(floats(inputs, 'x').length) }),
};

export const clampInPlace: Reference = {
  twin: (inputs, params) => ({ x: bounded(floats(inputs, 'x'), scalar(params, 'limit')) }),
  conditions: (inputs) => ({ x: none(floats(inputs, 'x').length) }),
};

export const clampBackward: Reference = {
  twin: (inputs, params) => {
    const x = floats(inputs, 'x');
    const limit = scalar(params, 'limit');
    return {
      dx: floats(inputs, 'dy').map((slope, i) => (Math.abs(x[i]!) <= limit ? slope : 0)),
    };
  },
  conditions: (inputs) => ({ dx: none(floats(inputs, 'dy').length) }),
};
