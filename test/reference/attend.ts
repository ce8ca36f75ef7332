// Softmax attention of one query over a list of keys, as all attention references need it.

export interface Attended {
  /** The softmax weights; all 0 when no key is seen. */
  readonly weights: Float64Array;
  /** log Σ exp(score) over the seen keys; -∞ when there are none. */
  readonly lse: number;
  /** Σ weight · keep · value. */
  readonly output: Float64Array;
  /** Σ weight · keep · |value|. */
  readonly outputMagnitude: Float64Array;
  /** The largest Σ |q · k| · scale of a seen key, which bounds the errors of the scores. */
  readonly scoreMagnitude: number;
}

/** Places in memory of a row of each key and value. */
export interface Rows {
  readonly values: Float64Array;
  /** Where the row of each key begins. */
  readonly starts: readonly number[];
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
  scale: number,
  keep: (key: number) => number = () => 1,
): Attended {
  const keys = k.starts.length;
  const scores = new Float64Array(keys);
  let scoreMagnitude = 0;
  let largest = -Infinity;
  for (let key = 0; key < keys; key++) {
    if (!seen[key]!) continue;
    let sum = 0;
    let magnitude = 0;
    for (let c = 0; c < headSize; c++) {
      const term = q.values[q.starts[0]! + c]! * k.values[k.starts[key]! + c]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    scores[key] = sum * scale;
    largest = Math.max(largest, sum * scale);
    scoreMagnitude = Math.max(scoreMagnitude, magnitude * scale);
  }
  const weights = new Float64Array(keys);
  let total = 0;
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
  return { weights, lse, output, outputMagnitude, scoreMagnitude };
}
