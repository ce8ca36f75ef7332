// Feed-forward networks of experts: which see a token, and what they compute.

import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The largest logits of each row, equals in their order; shares of the softmax over all, or over these. */
export const routeTokens: Reference = {
  twin: (inputs, params, constants) => {
    const logits = floats(inputs, 'logits');
    const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
    const rows = range(scalar(params, 'rows')).map((row) => {
      const own = logits.subarray(row * count, (row + 1) * count);
      const experts = range(count)
        .toSorted((a, b) => own[b]! - own[a]! || a - b)
        .slice(0, chosen);
      const largest = own[experts[0]!]!;
      const weights = experts.map((expert) => Math.exp(own[expert]! - largest));
      const all =
        constants['AMONG_CHOSEN'] === true ? weights : [...own].map((x) => Math.exp(x - largest));
      const total = all.reduce((sum, weight) => sum + weight, 0);
      return { experts, shares: weights.map((weight) => weight / total) };
    });
    return {
      experts: Uint32Array.from(rows.flatMap(({ experts }) => experts)),
      shares: Float64Array.from(rows.flatMap(({ shares }) => shares)),
    };
  },
  conditions: (_, params) => ({
    experts: { length: 0, magnitude: 0 },
    shares: { length: scalar(params, 'experts'), magnitude: 2 },
  }),
};

/** The largest sums of score and bias, equals in their order; shares by the scores alone. */
export const chooseExperts: Reference = {
  twin: (inputs, params, constants) => {
    const scores = floats(inputs, 'scores');
    const bias = constants['HAS_BIAS'] === true ? floats(inputs, 'bias') : undefined;
    const [count, chosen] = [scalar(params, 'experts'), scalar(params, 'chosen')];
    const rows = range(scalar(params, 'rows')).map((row) => {
      const own = scores.subarray(row * count, (row + 1) * count);
      // As it is added, in float32: what is equal there goes by its order.
      const ranks = own.map((score, expert) => Math.fround(score + (bias?.[expert] ?? 0)));
      const experts = range(count)
        .toSorted((a, b) => ranks[b]! - ranks[a]! || a - b)
        .slice(0, chosen);
      const sum = experts.reduce((total, expert) => total + own[expert]!, 0);
      const whole = constants['AMONG_CHOSEN'] === true ? sum + 1e-6 : 1;
      return { experts, shares: experts.map((e) => (scalar(params, 'scale') * own[e]!) / whole) };
    });
    return {
      experts: Uint32Array.from(rows.flatMap(({ experts }) => experts)),
      shares: Float64Array.from(rows.flatMap(({ shares }) => shares)),
    };
  },
  conditions: (_, params) => ({
    experts: { length: 0, magnitude: 0 },
    shares: { length: scalar(params, 'chosen'), magnitude: scalar(params, 'scale') },
  }),
};

export const groupTokens: Reference = {
  twin: (inputs, params) => {
    const chosen = [...integers(inputs, 'chosen')];
    const order = chosen.map((_, i) => i).toSorted((a, b) => chosen[a]! - chosen[b]! || a - b);
    const starts = range(scalar(params, 'experts') + 1).map(
      (expert) => chosen.filter((one) => one < expert).length,
    );
    return { starts: Uint32Array.from(starts), order: Uint32Array.from(order) };
  },
  conditions: () => ({
    starts: { length: 0, magnitude: 0 },
    order: { length: 0, magnitude: 0 },
  }),
};

/** The product of each choice with the rows of its expert, of which a part may be bound. */
function product(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  value: (x: number) => number,
): Float64Array {
  const [x, weight] = [floats(inputs, 'x'), floats(inputs, 'weight')];
  const [starts, order] = [integers(inputs, 'starts'), integers(inputs, 'order')];
  const [columns, depth] = [scalar(params, 'columns'), scalar(params, 'depth')];
  const [first, part] = [scalar(params, 'first'), scalar(params, 'part')];
  const bias = constants['HAS_BIAS'] === true ? floats(inputs, 'bias') : undefined;
  const y = Float64Array.from(floats(inputs, 'y'));
  for (let expert = 0; expert < scalar(params, 'experts'); expert++) {
    for (const choice of order.subarray(starts[expert], starts[expert + 1])) {
      const from = Math.floor(choice / scalar(params, 'share')) * scalar(params, 'x_pitch');
      for (let column = 0; column < columns; column++) {
        const row = expert * columns + column - first;
        if (row < 0 || row >= part) continue;
        let sum = value(bias?.[expert * columns + column] ?? 0);
        for (let k = 0; k < depth; k++) {
          sum += value(x[from + k]!) * value(weight[row * scalar(params, 'pitch') + k]!);
        }
        y[choice * columns + column] = sum;
      }
    }
  }
  return y;
}

export const expertMatmul: Reference = {
  twin: (inputs, params, constants) => ({ y: product(inputs, params, constants, (x) => x) }),
  conditions: (inputs, params, constants) => ({
    y: {
      length: scalar(params, 'depth'),
      magnitude: product(inputs, params, constants, Math.abs).map(Math.abs),
    },
  }),
};

function mixed(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const x = floats(inputs, 'x');
  const shares = inputs['shares'] && floats(inputs, 'shares');
  const residual = inputs['residual'] && floats(inputs, 'residual');
  const [rows, chosen] = [scalar(params, 'rows'), scalar(params, 'chosen')];
  const columns = scalar(params, 'columns');
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    return range(chosen).reduce(
      (sum, slot) => {
        const choice = row * chosen + slot;
        return sum + value(shares?.[choice] ?? 1) * value(x[choice * columns + (i % columns)]!);
      },
      value(residual?.[i] ?? 0),
    );
  });
}

export const mixExperts: Reference = {
  twin: (inputs, params) => ({ y: mixed(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'chosen'), magnitude: mixed(inputs, params, Math.abs) },
  }),
};

function clamped(inputs: Inputs, params: Params, size: boolean): Float64Array {
  const x = floats(inputs, 'x');
  const [alpha, limit] = [scalar(params, 'alpha'), scalar(params, 'limit')];
  return Float64Array.from({ length: x.length / 2 }, (_, i) => {
    const gate = Math.min(x[2 * i]!, limit);
    const value = Math.max(-limit, Math.min(limit, x[2 * i + 1]!));
    const open = 1 / (1 + Math.exp(-alpha * gate));
    // The exponent errs by its own size.
    return size
      ? (Math.abs(value) + 1) * Math.abs(gate) * open * (1 + Math.abs(alpha * gate))
      : (value + 1) * gate * open;
  });
}

export const clampedGate: Reference = {
  twin: (inputs, params) => ({ y: clamped(inputs, params, false) }),
  conditions: (inputs, params) => ({
    y: { length: 4, magnitude: clamped(inputs, params, true) },
  }),
};
