// The loss of pairs: whether each belongs together (arXiv 2303.15343, eq. 2).

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** z · x of each pair, and z. */
function signed(inputs: Inputs, params: Params): { z: number; zx: number }[] {
  const columns = scalar(params, 'columns');
  return Array.from(floats(inputs, 'x'), (x, i) => {
    const z = Math.floor(i / columns) === i % columns ? 1 : -1;
    return { z, zx: z * x };
  });
}

const size = (values: readonly number[]): Float64Array => Float64Array.from(values, Math.abs);

export const sigmoidLoss: Reference = {
  twin: (inputs, params) => ({
    y: Float64Array.from(
      signed(inputs, params),
      ({ zx }) => Math.max(-zx, 0) + Math.log1p(Math.exp(-Math.abs(zx))),
    ),
  }),
  // The logarithm is taken of a number near 1.
  conditions: (inputs, params) => ({
    y: { length: 1, magnitude: size(signed(inputs, params).map(({ zx }) => 1 + Math.abs(zx))) },
  }),
};

export const sigmoidLossBackward: Reference = {
  twin: (inputs, params) => {
    const dy = floats(inputs, 'dy');
    const dx = signed(inputs, params).map(({ z, zx }, i) => (-z * dy[i]!) / (1 + Math.exp(zx)));
    return { dx: Float64Array.from(dx) };
  },
  // The error of an exponential grows with its argument.
  conditions: (inputs, params) => {
    const dy = floats(inputs, 'dy');
    const magnitude = size(
      signed(inputs, params).map(({ zx }, i) => (dy[i]! * (1 + Math.abs(zx))) / (1 + Math.exp(zx))),
    );
    return { dx: { length: 1, magnitude } };
  },
};
