// Attention over full sequences, and its weights. Head h of a row of q begins at
// q_start + h · head_size; k and v have fewer heads, each for `group` neighbouring ones of q. In a
// cache, key s of a sequence lies in the slot that the mask names, and queries begin at a later place.

import { attend, type Attended, type Product, product, scoringOf, sighted } from './attend.ts';
import { keeping } from './dropout.ts';
import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

export interface Pairs {
  readonly head: number;
  readonly query: number;
  readonly q: { readonly values: Float64Array; readonly start: number };
  readonly k: { readonly values: Float64Array; readonly starts: readonly number[] };
}

/** DeBERTa, arXiv 2006.03654, eq. 4: content to position and position to content. */
export function positionsOf(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  { head, query, q, k }: Pairs,
): ((key: number) => Product) | undefined {
  const tables = constants['TABLES'];
  if (typeof tables !== 'number') return undefined;
  const table = floats(inputs, 'bias');
  const rows = constants['NAMED'] === true ? integers(inputs, 'state') : undefined;
  const [size, width] = [
    scalar(params, 'head_size'),
    scalar(params, 'heads') * scalar(params, 'head_size'),
  ];
  const reach = scalar(params, 'reach');
  return (key) => {
    const distance = Math.max(-reach, Math.min(reach, key - query));
    const row = rows ? rows[distance + reach]! - scalar(params, 'window') : distance + reach;
    const asQuery = row * tables * width + head * size;
    const asKey = asQuery + (tables > 1 ? width : 0);
    const terms: Product[] = [];
    if (constants['C2P'] === true) terms.push(product(q.values, q.start, table, asKey, size));
    if (constants['P2C'] === true) {
      terms.push(product(k.values, k.starts[key]!, table, asQuery, size));
    }
    return {
      sum: terms.reduce((total, { sum }) => total + sum, 0),
      magnitude: terms.reduce((total, { magnitude }) => total + magnitude, 0),
    };
  };
}

/** Calls `visit` with each query's result. `row` counts through (batches, heads, queries). */
function eachQuery(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  visit: (result: Attended, batch: number, head: number, query: number, row: number) => void,
): void {
  const [q, k] = [floats(inputs, 'q'), floats(inputs, 'k')];
  // The weights alone do not need the values.
  const v = inputs['v'] === undefined ? k : floats(inputs, 'v');
  const vPitch = params['v_pitch'] ?? scalar(params, 'k_pitch');
  const vStart = params['v_start'] ?? scalar(params, 'k_start');
  const mask = integers(inputs, 'key_mask');
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  const headSize = scalar(params, 'head_size');
  const keep = constants['DROPOUT'] === true ? keeping(inputs, params) : () => 1;
  const isCached = constants['CACHED'] === true;
  const hidden = isCached ? 2 ** 32 - 1 : 0;
  let row = 0;
  for (let b = 0; b < batches; b++) {
    const first =
      isCached && constants['CAUSAL'] === true
        ? integers(inputs, 'state')[2 * b * queries + 1]!
        : 0;
    for (let h = 0; h < heads; h++) {
      const qStarts = Array.from(
        { length: queries },
        (_, t) =>
          (b * queries + t) * scalar(params, 'q_pitch') + scalar(params, 'q_start') + h * headSize,
      );
      const sharedHead = Math.floor(h / scalar(params, 'group'));
      const starts = (pitch: number, start: number): number[] =>
        Array.from({ length: keys }, (_, s) => {
          const flag = mask[b * keys + s]!;
          const at = isCached ? (flag === hidden ? 0 : flag) : b * keys + s;
          return at * pitch + start + sharedHead * headSize;
        });
      const kStarts = starts(scalar(params, 'k_pitch'), scalar(params, 'k_start'));
      const vStarts = starts(vPitch, vStart);
      for (let t = 0; t < queries; t++) {
        const seen = kStarts.map(
          (_, s) => mask[b * keys + s] !== hidden && sighted(params, constants, first + t, s),
        );
        const firstWeight = row * keys;
        const result = attend(
          { values: q, starts: [qStarts[t]!] },
          { values: k, starts: kStarts },
          { values: v, starts: vStarts },
          seen,
          headSize,
          {
            ...scoringOf(inputs, params, constants, h, first + t),
            positions: positionsOf(inputs, params, constants, {
              head: h,
              query: t,
              q: { values: q, start: qStarts[t]! },
              k: { values: k, starts: kStarts },
            }),
          },
          (key) => keep(firstWeight + key),
        );
        visit(result, b, h, t, row++);
      }
    }
  }
}

export const attention: Reference = {
  twin: (inputs, params, constants) => {
    const [heads, headSize] = [scalar(params, 'heads'), scalar(params, 'head_size')];
    const queries = scalar(params, 'queries');
    const rows = scalar(params, 'batches') * heads * queries;
    const y = new Float64Array(rows * headSize);
    const lse = new Float64Array(rows);
    eachQuery(inputs, params, constants, (result, b, h, t, row) => {
      y.set(result.output, ((b * queries + t) * heads + h) * headSize);
      lse[row] = result.lse;
    });
    return { y, lse };
  },
  // Scores err by their own sums, and exp turns that into a relative error of the weights.
  conditions: (inputs, params, constants) => {
    const [heads, headSize] = [scalar(params, 'heads'), scalar(params, 'head_size')];
    const queries = scalar(params, 'queries');
    const rows = scalar(params, 'batches') * heads * queries;
    const length = scalar(params, 'keys') + headSize;
    const y = new Float64Array(rows * headSize);
    const lse = new Float64Array(rows);
    eachQuery(inputs, params, constants, (result, b, h, t, row) => {
      const factor = 1 + result.scoreMagnitude;
      const at = ((b * queries + t) * heads + h) * headSize;
      result.outputMagnitude.forEach((magnitude, c) => (y[at + c] = factor * magnitude));
      lse[row] = factor + Math.log(scalar(params, 'keys'));
    });
    return { y: { length, magnitude: y }, lse: { length, magnitude: lse } };
  },
};

export const attentionWeights: Reference = {
  twin: (inputs, params, constants) => {
    const keys = scalar(params, 'keys');
    const rows = scalar(params, 'batches') * scalar(params, 'heads') * scalar(params, 'queries');
    const weights = new Float64Array(rows * keys);
    const asScores = constants['SCORES'] === true;
    eachQuery(inputs, params, constants, (result, _b, _h, _t, row) =>
      weights.set(asScores ? scoresOf(result) : result.weights, row * keys),
    );
    return { weights };
  },
  conditions: (inputs, params, constants) => {
    const keys = scalar(params, 'keys');
    const rows = scalar(params, 'batches') * scalar(params, 'heads') * scalar(params, 'queries');
    const magnitude = new Float64Array(rows * keys);
    const asScores = constants['SCORES'] === true;
    eachQuery(inputs, params, constants, ({ weights, scoreMagnitude }, _b, _h, _t, row) =>
      weights.forEach((weight, s) => {
        magnitude[row * keys + s] = asScores ? scoreMagnitude : weight * (1 + scoreMagnitude);
      }),
    );
    return { weights: { length: keys + scalar(params, 'head_size'), magnitude } };
  },
};

/** The scores, the lowest number where a key is not seen. */
function scoresOf({ scores }: Attended): Float64Array {
  return scores.map((score) => Math.max(score, -3.4028234663852886e38));
}
