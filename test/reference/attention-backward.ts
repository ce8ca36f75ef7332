// The gradient of attention, from the log-sum-exp of the scores: with p = exp(score - lse),
// delta = Σ do · o and ds = p · (keep · do·v - delta) · scale, dq = Σ ds · k, dk = Σ ds · q and
// dv = Σ p · keep · do, where keep is what dropout made of the weight.

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

/** A query and a key that it sees, and where their rows begin. */
interface Pair {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly y: number;
  /** Place in (batches, heads, queries). */
  readonly row: number;
  readonly weight: number;
  /** What dropout multiplied the weight by. */
  readonly keep: number;
  /** do·v · keep, and Σ |do · v| · keep. */
  readonly dp: number;
  readonly dpMagnitude: number;
  /** How far errors of the exponent carry. */
  readonly factor: number;
}

function eachPair(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  visit: (pair: Pair) => void,
): void {
  const [q, kv, dy] = [floats(inputs, 'q'), floats(inputs, 'kv'), floats(inputs, 'dy')];
  const [lse, mask] = [floats(inputs, 'lse'), integers(inputs, 'key_mask')];
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  const [size, scale] = [scalar(params, 'head_size'), scalar(params, 'scale')];
  const [qPitch, kvPitch] = [scalar(params, 'q_pitch'), scalar(params, 'kv_pitch')];
  const keepAt = constants['DROPOUT'] === true ? keeping(inputs, params) : () => 1;
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < queries; t++) {
        const last = constants['CAUSAL'] === true ? Math.min(t, keys - 1) : keys - 1;
        const row = (b * heads + h) * queries + t;
        const qAt = (b * queries + t) * qPitch + scalar(params, 'q_start') + h * size;
        const yAt = ((b * queries + t) * heads + h) * size;
        for (let s = 0; s <= last; s++) {
          if (mask[b * keys + s] === 0) continue;
          const begin = (b * keys + s) * kvPitch + h * size;
          const [k, v] = [begin + scalar(params, 'k_start'), begin + scalar(params, 'v_start')];
          const score = product(q, qAt, kv, k, size);
          const dp = product(dy, yAt, kv, v, size);
          const keep = keepAt(row * keys + s);
          visit({
            q: qAt,
            k,
            v,
            y: yAt,
            row,
            weight: Math.exp(score.sum * scale - lse[row]!),
            keep,
            dp: dp.sum * keep,
            dpMagnitude: dp.magnitude * keep,
            factor: 1 + score.magnitude * scale + Math.abs(lse[row]!),
          });
        }
      }
    }
  }
}

function product(
  a: Float64Array,
  fromA: number,
  b: Float64Array,
  fromB: number,
  length: number,
): { sum: number; magnitude: number } {
  let [sum, magnitude] = [0, 0];
  for (let c = 0; c < length; c++) {
    const term = a[fromA + c]! * b[fromB + c]!;
    sum += term;
    magnitude += Math.abs(term);
  }
  return { sum, magnitude };
}

/** Σ do · o of every query, or of the absolute values. */
function deltas(inputs: Inputs, params: Params, value: 'sum' | 'magnitude'): Float64Array {
  const [y, dy] = [floats(inputs, 'y'), floats(inputs, 'dy')];
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  const queries = scalar(params, 'queries');
  return Float64Array.from({ length: scalar(params, 'batches') * heads * queries }, (_, row) => {
    const head = Math.floor(row / queries) % heads;
    const token = Math.floor(row / queries / heads) * queries + (row % queries);
    const at = (token * heads + head) * size;
    return product(y, at, dy, at, size)[value];
  });
}

/** Sets columns of every row, head after head, to 0. */
function clear(values: Float64Array, pitch: number, start: number, width: number): void {
  for (let row = 0; row < values.length; row += pitch) {
    values.fill(0, row + start, row + start + width);
  }
}

function widthOf(params: Params): number {
  return scalar(params, 'heads') * scalar(params, 'head_size');
}

export const attentionBackwardDelta: Reference = {
  twin: (inputs, params) => ({ delta: deltas(inputs, params, 'sum') }),
  conditions: (inputs, params) => ({
    delta: { length: scalar(params, 'head_size'), magnitude: deltas(inputs, params, 'magnitude') },
  }),
};

/** dq takes only the columns of q; the others, where k and v may stand, keep what they hold. */
export const attentionBackwardQuery: Reference = {
  twin: (inputs, params, constants) => {
    const [kv, dq] = [floats(inputs, 'kv'), floats(inputs, 'dq').slice()];
    const delta = floats(inputs, 'delta');
    clear(dq, scalar(params, 'q_pitch'), scalar(params, 'q_start'), widthOf(params));
    eachPair(inputs, params, constants, ({ q, k, row, weight, dp }) => {
      const ds = weight * (dp - delta[row]!) * scalar(params, 'scale');
      for (let c = 0; c < scalar(params, 'head_size'); c++) dq[q + c]! += ds * kv[k + c]!;
    });
    return { dq };
  },
  conditions: (inputs, params, constants) => {
    const kv = floats(inputs, 'kv');
    const size = scalar(params, 'head_size');
    const dq = new Float64Array(floats(inputs, 'dq').length);
    const delta = floats(inputs, 'delta');
    eachPair(inputs, params, constants, ({ q, k, row, weight, dpMagnitude, factor }) => {
      const ds = weight * (dpMagnitude + Math.abs(delta[row]!)) * scalar(params, 'scale') * factor;
      for (let c = 0; c < size; c++) dq[q + c]! += ds * Math.abs(kv[k + c]!);
    });
    return { dq: { length: scalar(params, 'keys') + size, magnitude: dq } };
  },
};

/** dkv takes only the columns of k and v. */
export const attentionBackwardKey: Reference = {
  twin: (inputs, params, constants) => {
    const [values, dy] = [floats(inputs, 'q'), floats(inputs, 'dy')];
    const [dkv, delta] = [floats(inputs, 'dkv').slice(), floats(inputs, 'delta')];
    for (const start of ['k_start', 'v_start']) {
      clear(dkv, scalar(params, 'kv_pitch'), scalar(params, start), widthOf(params));
    }
    eachPair(inputs, params, constants, ({ q, k, v, y, row, weight, keep, dp }) => {
      const ds = weight * (dp - delta[row]!) * scalar(params, 'scale');
      for (let c = 0; c < scalar(params, 'head_size'); c++) {
        dkv[k + c]! += ds * values[q + c]!;
        dkv[v + c]! += weight * keep * dy[y + c]!;
      }
    });
    return { dkv };
  },
  conditions: (inputs, params, constants) => {
    const [values, dy] = [floats(inputs, 'q'), floats(inputs, 'dy')];
    const size = scalar(params, 'head_size');
    const dkv = new Float64Array(floats(inputs, 'dkv').length);
    const delta = floats(inputs, 'delta');
    eachPair(
      inputs,
      params,
      constants,
      ({ q, k, v, y, row, weight, keep, dpMagnitude, factor }) => {
        const slope = (dpMagnitude + Math.abs(delta[row]!)) * scalar(params, 'scale');
        const ds = weight * slope * factor;
        for (let c = 0; c < size; c++) {
          dkv[k + c]! += ds * Math.abs(values[q + c]!);
          dkv[v + c]! += weight * keep * factor * Math.abs(dy[y + c]!);
        }
      },
    );
    return { dkv: { length: scalar(params, 'queries') + size, magnitude: dkv } };
  },
};
