// How evenly experts are used (Switch Transformers, eq. 4–6), and the gradient of that.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

/** Tokens that are no padding. */
function tokensOf(inputs: Inputs): number[] {
  return [...integers(inputs, 'mask')].flatMap((seen, row) => (seen === 0 ? [] : [row]));
}

function sums(inputs: Inputs, params: Params): Float64Array {
  const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
  const [probabilities, experts] = [floats(inputs, 'probabilities'), integers(inputs, 'experts')];
  const found = new Float64Array(2 * count);
  if (inputs['before'] !== undefined) found.set(floats(inputs, 'before'));
  for (const row of tokensOf(inputs)) {
    for (const expert of experts.subarray(row * chosen, (row + 1) * chosen)) found[expert]! += 1;
    for (let expert = 0; expert < count; expert++) {
      found[count + expert]! += probabilities[row * count + expert]!;
    }
  }
  return found;
}

export const balanceSums: Reference = {
  twin: (inputs, params) => ({ sums: sums(inputs, params) }),
  conditions: (inputs, params) => ({
    sums: { length: scalar(params, 'rows'), magnitude: sums(inputs, params) },
  }),
};

function loss(inputs: Inputs, params: Params): { y: Float64Array; factor: Float64Array } {
  const [given, count] = [floats(inputs, 'sums'), scalar(params, 'experts')];
  const all = scalar(params, 'layers') * Math.max(tokensOf(inputs).length, 1);
  const factor = (scalar(params, 'factor') * count) / all ** 2;
  const products = Array.from({ length: count }, (_, i) => given[i]! * given[count + i]!);
  const sum = products.reduce((total, product) => total + product, 0);
  return { y: Float64Array.of(factor * sum), factor: Float64Array.of(factor) };
}

export const balanceLoss: Reference = {
  twin: loss,
  conditions: (inputs, params) => {
    const { y, factor } = loss(inputs, params);
    return {
      y: { length: scalar(params, 'experts'), magnitude: y },
      factor: { length: 1, magnitude: factor },
    };
  },
};

function backward(inputs: Inputs, params: Params, sign: number): Float64Array {
  const [x, given] = [floats(inputs, 'x'), floats(inputs, 'sums')];
  const columns = scalar(params, 'columns');
  const by = floats(inputs, 'dy')[0]! * floats(inputs, 'factor')[0]!;
  const dx = new Float64Array(x.length);
  for (const row of tokensOf(inputs)) {
    const own = x.subarray(row * columns, (row + 1) * columns);
    const shares = own.map((logit) => {
      return 1 / own.reduce((sum, other) => sum + Math.exp(other - logit), 0);
    });
    const mean = shares.reduce((sum, share, i) => sum + share * given[i]!, 0);
    shares.forEach((share, i) => {
      dx[row * columns + i] = by * share * (given[i]! + sign * mean);
    });
  }
  return dx;
}

export const balanceLossBackward: Reference = {
  twin: (inputs, params) => ({ dx: backward(inputs, params, -1) }),
  // Exponents err by their own size.
  conditions: (inputs, params) => {
    const size = floats(inputs, 'x').reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
    const found = backward(inputs, params, 1);
    return {
      dx: {
        length: scalar(params, 'columns'),
        magnitude: found.map((value) => Math.abs(value) * (1 + 4 * size)),
      },
    };
  },
};
