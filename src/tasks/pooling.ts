// From the vectors of tokens to one vector of a text.

import { TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import type { DenseTensor } from '../model/inputs/inputs.ts';
import type { Pooling } from '../model/sentence-modules.ts';

/**
 * Pools (T, d) to (d): the rows from `start` up to `length`; those behind are padding, those before a
 * prompt that does not count.
 */
export function pool(
  { data, shape }: DenseTensor,
  length: number,
  pooling: Pooling,
  start = 0,
): Float32Array {
  const size = shape.at(-1) ?? 1;
  const row = (t: number): Float32Array => data.subarray(t * size, (t + 1) * size);
  const first = start < length ? start : 0;
  if (pooling === 'cls') return row(first).slice();
  if (pooling === 'last') return row(length - 1).slice();
  if (pooling === 'max') {
    const most = row(first).slice();
    for (let t = first + 1; t < length; t++)
      row(t).forEach((x, i) => (most[i] = Math.max(x, most[i] ?? x)));
    return most;
  }
  // Summed in float64. Weights grow with the position in a weighted mean (Muennighoff 2022).
  const sum = new Float64Array(size);
  let weights = 0;
  for (let t = first; t < length; t++) {
    const weight = pooling === 'weightedMean' ? t + 1 : 1;
    weights += weight;
    row(t).forEach((x, i) => (sum[i] = (sum[i] ?? 0) + weight * x));
  }
  const divisor = pooling === 'meanSqrtLength' ? Math.sqrt(weights) : weights;
  return Float32Array.from(sum, (x) => x / divisor);
}

/** The vector at length 1, by the Euclidean norm; a zero vector stays. */
export function normalized(vector: Float32Array): Float32Array {
  const norm = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((x) => x / norm);
}

/** The same of every row of so many numbers. */
export function normalizedRows(data: Float32Array, size: number): Float32Array {
  const rows = data.slice();
  for (let at = 0; at < rows.length; at += size) {
    rows.set(normalized(rows.subarray(at, at + size)), at);
  }
  return rows;
}

/** a · b, over the product of both lengths: from -1 to 1. */
export function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (const vector of [a, b]) checkVector(vector);
  return dot(a, b) / Math.max(Math.sqrt(dot(a, a) * dot(b, b)), 1e-12);
}

function checkVector(vector: unknown): void {
  const isNumbers = Array.isArray(vector) || ArrayBuffer.isView(vector);
  const items = isNumbers ? (vector as unknown as ArrayLike<unknown>) : [undefined];
  for (let i = 0; i < items.length; i++) {
    if (typeof items[i] === 'number') continue;
    throw new TransformerError(
      'INPUT_INVALID',
      `A vector of cosineSimilarity is ${show(vector)}; wanted an array of numbers.`,
    );
  }
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Vectors of one size as (N, d). */
export function stack(vectors: readonly Float32Array[]): DenseTensor {
  const size = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * size);
  vectors.forEach((vector, index) => data.set(vector, index * size));
  return { data, shape: [vectors.length, size] };
}
