// Attention over full sequences, and its weights. Head h of a row of q begins at
// q_start + h · head_size; likewise k and v.

import { attend, type Attended } from './attend.ts';
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
  let row = 0;
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      const starts = (rows: number, pitch: number, start: number): number[] =>
        Array.from({ length: rows }, (_, i) => (b * rows + i) * pitch + start + h * headSize);
      const qStarts = starts(queries, scalar(params, 'q_pitch'), scalar(params, 'q_start'));
      const kStarts = starts(keys, scalar(params, 'k_pitch'), scalar(params, 'k_start'));
      const vStarts = starts(keys, vPitch, vStart);
      for (let t = 0; t < queries; t++) {
        const seen = kStarts.map(
          (_, s) => mask[b * keys + s] !== 0 && (constants['CAUSAL'] !== true || s <= t),
        );
        const first = row * keys;
        const result = attend(
          { values: q, starts: [qStarts[t]!] },
          { values: k, starts: kStarts },
          { values: v, starts: vStarts },
          seen,
          headSize,
          scalar(params, 'scale'),
          (key) => keep(first + key),
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
    eachQuery(inputs, params, constants, (result, _b, _h, _t, row) =>
      weights.set(result.weights, row * keys),
    );
    return { weights };
  },
  conditions: (inputs, params, constants) => {
    const keys = scalar(params, 'keys');
    const rows = scalar(params, 'batches') * scalar(params, 'heads') * scalar(params, 'queries');
    const magnitude = new Float64Array(rows * keys);
    eachQuery(inputs, params, constants, ({ weights, scoreMagnitude }, _b, _h, _t, row) =>
      weights.forEach((weight, s) => (magnitude[row * keys + s] = weight * (1 + scoreMagnitude))),
    );
    return { weights: { length: keys + scalar(params, 'head_size'), magnitude } };
  },
};
