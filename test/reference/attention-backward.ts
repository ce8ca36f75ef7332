// The gradient of attention, from the log-sum-exp of the scores: with p = exp(score - lse),
// delta = Σ do · o and ds = p · (keep · do·v - delta) · slope, dq = Σ ds · k, dk = Σ ds · q and
// dv = Σ p · keep · do, where keep is what dropout made of the weight, and the slope is the scale, or
// less where scores are capped.

import { positionsOf } from './attention.ts';
import { product, scoringOf, sighted } from './attend.ts';
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
export interface Pair {
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly y: number;
  /** Place in (batches, heads, queries). */
  readonly row: number;
  /** How much further the key lies. */
  readonly distance: number;
  readonly weight: number;
  /** How much the score moves with q·k. */
  readonly slope: number;
  /** What dropout multiplied the weight by. */
  readonly keep: number;
  /** do·v · keep, and Σ |do · v| · keep. */
  readonly dp: number;
  readonly dpMagnitude: number;
  /** How far errors of the exponent carry. */
  readonly factor: number;
}

export function eachPair(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  visit: (pair: Pair) => void,
): void {
  const [q, kv, dy] = [floats(inputs, 'q'), floats(inputs, 'kv'), floats(inputs, 'dy')];
  const [sums, mask] = [floats(inputs, 'sums'), integers(inputs, 'key_mask')];
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [queries, keys] = [scalar(params, 'queries'), scalar(params, 'keys')];
  const [size, group] = [scalar(params, 'head_size'), scalar(params, 'group')];
  const [qPitch, kvPitch] = [scalar(params, 'q_pitch'), scalar(params, 'kv_pitch')];
  const keepAt = constants['DROPOUT'] === true ? keeping(inputs, params) : () => 1;
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < queries; t++) {
        const scoring = scoringOf(inputs, params, constants, h, t);
        const { scale, softcap = Infinity, bias = () => 0 } = scoring;
        const row = (b * heads + h) * queries + t;
        const qAt = (b * queries + t) * qPitch + scalar(params, 'q_start') + h * size;
        const yAt = ((b * queries + t) * heads + h) * size;
        const starts = Array.from(
          { length: keys },
          (_, s) =>
            (b * keys + s) * kvPitch + Math.floor(h / group) * size + scalar(params, 'k_start'),
        );
        const ofQuery = { head: h, query: t, q: { values: q, start: qAt } };
        const more = positionsOf(inputs, params, constants, {
          ...ofQuery,
          k: { values: kv, starts },
        });
        for (let s = 0; s < keys; s++) {
          if (mask[b * keys + s] === 0 || !sighted(params, constants, t, s)) continue;
          const k = starts[s]!;
          const v = k + scalar(params, 'v_start') - scalar(params, 'k_start');
          const content = product(q, qAt, kv, k, size);
          const position = more?.(s);
          const similarity = {
            sum: content.sum + (position?.sum ?? 0),
            magnitude: content.magnitude + (position?.magnitude ?? 0),
          };
          const part = Math.tanh((similarity.sum * scale) / softcap);
          const capped = softcap === Infinity ? similarity.sum * scale : softcap * part;
          const lse = sums[2 * row]!;
          const dp = product(dy, yAt, kv, v, size);
          const keep = keepAt(row * keys + s);
          visit({
            q: qAt,
            k,
            v,
            y: yAt,
            row,
            distance: s - t,
            weight: Math.exp(capped + bias(s) - lse),
            slope: scale * (1 - part * part),
            keep,
            dp: dp.sum * keep,
            dpMagnitude: dp.magnitude * keep,
            factor: 1 + similarity.magnitude * scale + Math.abs(bias(s)) + Math.abs(lse),
          });
        }
      }
    }
  }
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

/** The columns of k, or of v. */
function keyWidthOf(params: Params): number {
  return widthOf(params) / scalar(params, 'group');
}

/** Of each query what its sink's score gets, (batches, queries, heads), from its delta or its magnitude. */
function ofSinks(inputs: Inputs, params: Params, delta: Float64Array): Float64Array {
  const [lse, sinks] = [floats(inputs, 'lse'), floats(inputs, 'sinks')];
  const [heads, queries] = [scalar(params, 'heads'), scalar(params, 'queries')];
  return delta.map((_, i) => {
    const [token, head] = [Math.floor(i / heads), i % heads];
    const row = (Math.floor(token / queries) * heads + head) * queries + (token % queries);
    return -Math.exp(sinks[head]! - lse[row]!) * delta[row]!;
  });
}

export const attentionBackwardDelta: Reference = {
  twin: (inputs, params, constants) => {
    const [delta, lse] = [deltas(inputs, params, 'sum'), floats(inputs, 'lse')];
    const sums = Float64Array.from({ length: 2 * delta.length }, (_, i) =>
      i % 2 === 0 ? lse[i / 2]! : delta[(i - 1) / 2]!,
    );
    const hasSink = constants['HAS_SINK'] === true;
    return { sums, ...(hasSink && { dsinks: ofSinks(inputs, params, delta) }) };
  },
  conditions: (inputs, params, constants) => {
    const [length, all] = [scalar(params, 'head_size'), deltas(inputs, params, 'magnitude')];
    const magnitude = Float64Array.from({ length: 2 * all.length }, (_, i) =>
      i % 2 === 0 ? 0 : all[(i - 1) / 2]!,
    );
    if (constants['HAS_SINK'] !== true) return { sums: { length, magnitude } };
    // exp errs with its argument.
    const most = (name: string): number => Math.max(...floats(inputs, name).map(Math.abs));
    const factor = 1 + most('sinks') + most('lse');
    const ofEach = ofSinks(inputs, params, all).map((value) => factor * Math.abs(value));
    return { sums: { length, magnitude }, dsinks: { length, magnitude: ofEach } };
  },
};

/** dq takes only the columns of q; the others, where k and v may stand, keep what they hold. */
export const attentionBackwardQuery: Reference = {
  twin: (inputs, params, constants) => {
    const [kv, dq] = [floats(inputs, 'kv'), floats(inputs, 'dq').slice()];
    const sums = floats(inputs, 'sums');
    clear(dq, scalar(params, 'q_pitch'), scalar(params, 'q_start'), widthOf(params));
    eachPair(inputs, params, constants, ({ q, k, row, weight, slope, dp }) => {
      const ds = weight * (dp - sums[2 * row + 1]!) * slope;
      for (let c = 0; c < scalar(params, 'head_size'); c++) dq[q + c]! += ds * kv[k + c]!;
    });
    return { dq };
  },
  conditions: (inputs, params, constants) => {
    const kv = floats(inputs, 'kv');
    const size = scalar(params, 'head_size');
    const dq = new Float64Array(floats(inputs, 'dq').length);
    const sums = floats(inputs, 'sums');
    eachPair(inputs, params, constants, ({ q, k, row, weight, dpMagnitude, factor }) => {
      const ds =
        weight * (dpMagnitude + Math.abs(sums[2 * row + 1]!)) * scalar(params, 'scale') * factor;
      for (let c = 0; c < size; c++) dq[q + c]! += ds * Math.abs(kv[k + c]!);
    });
    return { dq: { length: scalar(params, 'keys') + size, magnitude: dq } };
  },
};

/** dkv takes only the columns of k and v. */
export const attentionBackwardKey: Reference = {
  twin: (inputs, params, constants) => {
    const [values, dy] = [floats(inputs, 'q'), floats(inputs, 'dy')];
    const [dkv, sums] = [floats(inputs, 'dkv').slice(), floats(inputs, 'sums')];
    for (const start of ['k_start', 'v_start']) {
      clear(dkv, scalar(params, 'kv_pitch'), scalar(params, start), keyWidthOf(params));
    }
    eachPair(inputs, params, constants, ({ q, k, v, y, row, weight, slope, keep, dp }) => {
      const ds = weight * (dp - sums[2 * row + 1]!) * slope;
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
    const sums = floats(inputs, 'sums');
    eachPair(
      inputs,
      params,
      constants,
      ({ q, k, v, y, row, weight, keep, dpMagnitude, factor }) => {
        const slope = (dpMagnitude + Math.abs(sums[2 * row + 1]!)) * scalar(params, 'scale');
        const ds = weight * slope * factor;
        for (let c = 0; c < size; c++) {
          dkv[k + c]! += ds * Math.abs(values[q + c]!);
          dkv[v + c]! += weight * keep * factor * Math.abs(dy[y + c]!);
        }
      },
    );
    const length = scalar(params, 'queries') * scalar(params, 'group') + size;
    return { dkv: { length, magnitude: dkv } };
  },
};
