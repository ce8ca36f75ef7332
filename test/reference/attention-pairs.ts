// The gradient of attention with relative positions, in float64: what every pair has, and its sums.

import { eachPair, type Pair } from './attention-backward.ts';
import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** p · keep and ds of each pair, (batches, heads, queries, keys, 2). */
function pairsOf(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  values: (pair: Pair, delta: number) => readonly [number, number],
): Float64Array {
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  const size = scalar(params, 'batches') * scalar(params, 'heads') * queries * keys;
  const pairs = new Float64Array(2 * size);
  const sums = floats(inputs, 'sums');
  eachPair(inputs, params, constants, (pair) => {
    const key = (pair.row % queries) + pair.distance;
    pairs.set(values(pair, sums[2 * pair.row + 1]!), 2 * (pair.row * keys + key));
  });
  return pairs;
}

export const attentionBackwardPairs: Reference = {
  twin: (inputs, params, constants) => ({
    pairs: pairsOf(inputs, params, constants, ({ weight, keep, dp, slope }, delta) => [
      weight * keep,
      weight * (dp - delta) * slope,
    ]),
  }),
  conditions: (inputs, params, constants) => ({
    pairs: {
      length: 3 * scalar(params, 'head_size'),
      magnitude: pairsOf(
        inputs,
        params,
        constants,
        ({ weight, keep, dpMagnitude, factor }, delta) => [
          weight * keep * factor,
          weight * (dpMagnitude + Math.abs(delta)) * scalar(params, 'scale') * factor,
        ],
      ),
    },
  }),
};

/** Calls `visit` with each pair of a head's column: places of the pair, the query and the key in their rows. */
function eachColumn(
  params: Params,
  visit: (at: {
    readonly pair: number;
    readonly query: number;
    readonly key: number;
    readonly distance: number;
    readonly column: number;
  }) => void,
): void {
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  const reach = scalar(params, 'reach');
  const pairs = scalar(params, 'batches') * heads * queries * keys;
  for (let pair = 0; pair < pairs; pair++) {
    const [key, row] = [pair % keys, Math.floor(pair / keys)];
    const [query, line] = [row % queries, Math.floor(row / queries)];
    const [head, batch] = [line % heads, Math.floor(line / heads)];
    const distance = Math.max(-reach, Math.min(reach, key - query)) + reach;
    for (let column = head * size; column < (head + 1) * size; column++) {
      visit({ pair, query: batch * queries + query, key: batch * keys + key, distance, column });
    }
  }
}

function pairSums(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  one: (value: number) => number,
): Float64Array {
  const [pairs, x, y] = [floats(inputs, 'pairs'), floats(inputs, 'x'), floats(inputs, 'y').slice()];
  const bias = constants['ADDS'] === true ? floats(inputs, 'bias') : undefined;
  const width = scalar(params, 'heads') * scalar(params, 'head_size');
  for (let row = scalar(params, 'y_start'); row < y.length; row += scalar(params, 'y_pitch')) {
    y.fill(0, row, row + width);
  }
  eachColumn(params, ({ pair, query, key, distance, column }) => {
    const [own, other] = constants['OF_KEYS'] === true ? [key, query] : [query, key];
    const value = x[other * scalar(params, 'x_pitch') + scalar(params, 'x_start') + column]!;
    const line = distance * scalar(params, 'tables') + scalar(params, 'table');
    const position = bias?.[line * width + column] ?? 0;
    y[own * scalar(params, 'y_pitch') + scalar(params, 'y_start') + column]! +=
      one(pairs[2 * pair + scalar(params, 'part')]!) * (one(value) + one(position));
  });
  return y;
}

/** y takes only the columns of one projection; the others keep what they hold. */
export const attentionBackwardPairSum: Reference = {
  twin: (inputs, params, constants) => ({
    y: pairSums(inputs, params, constants, (value) => value),
  }),
  conditions: (inputs, params, constants) => ({
    y: {
      length: Math.max(scalar(params, 'queries'), scalar(params, 'keys')),
      magnitude: pairSums(inputs, params, constants, Math.abs),
    },
  }),
};

function positionSums(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  one: (value: number) => number,
): Float64Array {
  const [pairs, q, kv] = [floats(inputs, 'pairs'), floats(inputs, 'q'), floats(inputs, 'kv')];
  const tables = Number(constants['TABLES']);
  const width = scalar(params, 'heads') * scalar(params, 'head_size');
  const dbias = new Float64Array((2 * scalar(params, 'reach') + 1) * tables * width);
  eachColumn(params, ({ pair, query, key, distance, column }) => {
    const ds = one(pairs[2 * pair + 1]!);
    const asQuery = distance * tables * width + column;
    const asKey = asQuery + (tables > 1 ? width : 0);
    if (constants['P2C'] === true) {
      const at = key * scalar(params, 'kv_pitch') + scalar(params, 'k_start') + column;
      dbias[asQuery]! += ds * one(kv[at]!);
    }
    if (constants['C2P'] === true) {
      const at = query * scalar(params, 'q_pitch') + scalar(params, 'q_start') + column;
      dbias[asKey]! += ds * one(q[at]!);
    }
  });
  return dbias;
}

export const attentionBackwardPairDistance: Reference = {
  twin: (inputs, params, constants) => ({
    dbias: positionSums(inputs, params, constants, (value) => value),
  }),
  conditions: (inputs, params, constants) => ({
    dbias: {
      length: scalar(params, 'batches') * scalar(params, 'queries') * scalar(params, 'keys'),
      magnitude: positionSums(inputs, params, constants, Math.abs),
    },
  }),
};
