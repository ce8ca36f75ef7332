// Softmax attention of one query over a list of keys, as all attention references need it.

import { type Constants, floats, type Inputs, type Params, scalar } from './twin.ts';

export interface Attended {
  /** The scores of the seen keys; -∞ for others. */
  readonly scores: Float64Array;
  /** The softmax weights; all 0 when no key is seen. */
  readonly weights: Float64Array;
  /** log Σ exp(score) over the seen keys; -∞ when there are none. */
  readonly lse: number;
  /** The largest score of a seen key; -∞ when there are none. */
  readonly largest: number;
  /** Σ weight · keep · value. */
  readonly output: Float64Array;
  /** Σ weight · keep · |value|. */
  readonly outputMagnitude: Float64Array;
  /** The largest Σ |q · k| · scale + |bias| of a seen key, which bounds the errors of the scores. */
  readonly scoreMagnitude: number;
}

/** Places in memory of a row of each key and value. */
export interface Rows {
  readonly values: Float64Array;
  /** Where the row of each key begins. */
  readonly starts: readonly number[];
}

/** What becomes of q·k before the softmax. */
export interface Scoring {
  readonly scale: number;
  /** Scores are capped: softcap · tanh(score / softcap). */
  readonly softcap?: number | undefined;
  /** What is added for a key. */
  readonly bias?: ((key: number) => number) | undefined;
  /** The score of a key without a value. */
  readonly sink?: number | undefined;
  /** What is added to q·k, before the scale: products with positions, and their magnitude. */
  readonly positions?: ((key: number) => Product) | undefined;
}

/** Σ a · b, and Σ |a · b|. */
export interface Product {
  readonly sum: number;
  readonly magnitude: number;
}

export function product(
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  size: number,
): Product {
  let [sum, magnitude] = [0, 0];
  for (let c = 0; c < size; c++) {
    sum += a[i + c]! * b[j + c]!;
    magnitude += Math.abs(a[i + c]! * b[j + c]!);
  }
  return { sum, magnitude };
}

/** How kernels are told: params, switches, and a bias by distance, (2 · reach + 1, heads), or slopes or sinks. */
export function scoringOf(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  head: number,
  query: number,
): Scoring {
  const [reach, heads] = [scalar(params, 'reach'), scalar(params, 'heads')];
  const has = (name: string): boolean => constants[name] === true;
  const table = has('HAS_BIAS') ? floats(inputs, 'bias') : undefined;
  const own = has('SLOPED') || has('HAS_SINK') ? floats(inputs, 'bias')[head]! : 0;
  return {
    scale: scalar(params, 'scale'),
    softcap: constants['SOFTCAP'] === true ? scalar(params, 'softcap') : undefined,
    bias: (key) =>
      table === undefined
        ? has('SLOPED')
          ? own * (key - query)
          : 0
        : table[(Math.max(-reach, Math.min(reach, key - query)) + reach) * heads + head]!,
    sink: has('HAS_SINK') ? own : undefined,
  };
}

/** Whether a query's place lets it see a key: not behind it, not outside its window. */
export function sighted(params: Params, constants: Constants, query: number, key: number): boolean {
  if (constants['CAUSAL'] === true && key > query) return false;
  return constants['WINDOWED'] !== true || Math.abs(key - query) < scalar(params, 'window');
}

/**
 * softmax(q·kᵀ · scale)·v for the query at `q.starts[0]` ("Attention Is All You Need", eq. 1).
 * `seen` tells which keys count, `keep` what dropout multiplies the weight of a key by.
 */
export function attend(
  q: Rows,
  k: Rows,
  v: Rows,
  seen: readonly boolean[],
  headSize: number,
  { scale, softcap, bias = () => 0, sink = -Infinity, positions }: Scoring,
  keep: (key: number) => number = () => 1,
): Attended {
  const keys = k.starts.length;
  const scores = new Float64Array(keys).fill(-Infinity);
  let scoreMagnitude = Number.isFinite(sink) ? Math.abs(sink) : 0;
  let largest = sink;
  for (let key = 0; key < keys; key++) {
    if (!seen[key]!) continue;
    let { sum, magnitude } = product(q.values, q.starts[0]!, k.values, k.starts[key]!, headSize);
    const more = positions?.(key);
    sum += more?.sum ?? 0;
    magnitude += more?.magnitude ?? 0;
    const capped =
      softcap === undefined ? sum * scale : softcap * Math.tanh((sum * scale) / softcap);
    scores[key] = capped + bias(key);
    largest = Math.max(largest, scores[key]!);
    scoreMagnitude = Math.max(scoreMagnitude, magnitude * scale + Math.abs(bias(key)));
  }
  const weights = new Float64Array(keys);
  let total = sink === -Infinity ? 0 : Math.exp(sink - largest);
  for (let key = 0; key < keys; key++) {
    if (seen[key]!) total += weights[key] = Math.exp(scores[key]! - largest);
  }
  const output = new Float64Array(headSize);
  const outputMagnitude = new Float64Array(headSize);
  for (let key = 0; key < keys; key++) {
    if (!seen[key]!) continue;
    weights[key]! /= total;
    const weight = weights[key]! * keep(key);
    for (let c = 0; c < headSize; c++) {
      const value = v.values[v.starts[key]! + c]!;
      output[c]! += weight * value;
      outputMagnitude[c]! += weight * Math.abs(value);
    }
  }
  const lse = total > 0 ? largest + Math.log(total) : -Infinity;
  return { scores, weights, lse, largest, output, outputMagnitude, scoreMagnitude };
}
