// The loss of pairs of which one is preferred, and its gradient.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

interface Pair {
  /** β times by how much more the chosen text gained than the rejected one. */
  readonly margin: number;
  /** What its rounding grows with. */
  readonly magnitude: number;
}

function pairsOf(inputs: Inputs, params: Params): Pair[] {
  const [x, reference] = [floats(inputs, 'x'), floats(inputs, 'reference')];
  const [pairs, length] = [scalar(params, 'pairs'), scalar(params, 'length')];
  const beta = scalar(params, 'beta');
  return Array.from({ length: pairs }, (_, pair) => {
    let [gain, size] = [0, 0];
    for (let t = 0; t < length; t++) {
      const chosen = pair * length + t;
      const rejected = (pairs + pair) * length + t;
      gain += reference[chosen]! - x[chosen]! - (reference[rejected]! - x[rejected]!);
      for (const at of [chosen, rejected]) size += Math.abs(x[at]!) + Math.abs(reference[at]!);
    }
    return { margin: beta * gain, magnitude: beta * size };
  });
}

/** -log σ(m), whatever m is. */
function surprise(margin: number): number {
  return Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
}

export const preferenceLoss: Reference = {
  twin: (inputs, params) => {
    const smoothing = scalar(params, 'smoothing');
    const loss = pairsOf(inputs, params).map(
      ({ margin }) => (1 - smoothing) * surprise(margin) + smoothing * surprise(-margin),
    );
    return { loss: Float64Array.from(loss) };
  },
  conditions: (inputs, params) => ({
    loss: {
      length: 4 * scalar(params, 'length'),
      magnitude: Float64Array.from(pairsOf(inputs, params), ({ magnitude }) => 1 + magnitude),
    },
  }),
};

export const preferenceLossBackward: Reference = {
  twin: (inputs, params) => {
    const [beta, smoothing] = [scalar(params, 'beta'), scalar(params, 'smoothing')];
    const length = scalar(params, 'length');
    const dloss = floats(inputs, 'dloss');
    const slopes = pairsOf(inputs, params).map(
      ({ margin }, pair) => dloss[pair]! * beta * (1 - smoothing - 1 / (1 + Math.exp(-margin))),
    );
    const row = (slope: number): number[] => Array<number>(length).fill(slope);
    return {
      dx: Float64Array.from([...slopes, ...slopes.map((slope) => -slope)].flatMap(row)),
    };
  },
  conditions: (inputs, params) => {
    const [beta, length] = [scalar(params, 'beta'), scalar(params, 'length')];
    const dloss = floats(inputs, 'dloss');
    const sizes = pairsOf(inputs, params).map(
      ({ magnitude }, pair) => Math.abs(dloss[pair]!) * beta * (1 + magnitude),
    );
    return {
      dx: {
        length: 4 * length,
        magnitude: Float64Array.from(
          [...sizes, ...sizes].flatMap((size) => Array<number>(length).fill(size)),
        ),
      },
    };
  },
};
