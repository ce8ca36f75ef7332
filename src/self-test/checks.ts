// The checks of the self-test: each records one operation and says what should come out.

import type { Dtype } from '../runtime/dtype.ts';
import type { Tensor } from '../runtime/tensor.ts';
import { attentionDecode, hiddenSlot } from '../shaders/attention/decode/attention-decode.ts';
import { attention } from '../shaders/attention/attention.ts';
import { join, scaleRows } from '../shaders/matmul/matmul-gpu.ts';
import { type Activation, matmul } from '../shaders/matmul/matmul.ts';
import type { Inputs } from './inputs.ts';
import { attend, dot, erf } from './math.ts';

export interface Result {
  readonly output: Tensor;
  readonly wanted: ArrayLike<number>;
}

/** The activations in float64. */
export const functions: Readonly<Record<Activation, (x: number) => number>> = {
  none: (x) => x,
  relu: (x) => Math.max(0, x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  quickGelu: (x) => x / (1 + Math.exp(-1.702 * x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

/** activation(x·Wᵀ + bias) + residual */
export function checkMatmul(
  inputs: Inputs,
  rows: number,
  depth: number,
  columns: number,
  format: Dtype,
  activation: Activation = 'none',
): Result {
  const x = inputs.floats([rows, depth]);
  const weight = inputs.weight([columns, depth], format);
  const bias = inputs.floats([columns]);
  const residual = inputs.floats([rows, columns]);
  const wanted = Float64Array.from(residual.data, (added, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const sum = dot(x.data, row * depth, weight.data, column * depth, depth);
    return functions[activation](sum + (bias.data[column] ?? 0)) + added;
  });
  const options = { bias: bias.tensor, activation, residual: residual.tensor, transposed: true };
  return { output: matmul(x.tensor, weight.tensor, options), wanted };
}

/** x·W */
export function checkProduct(inputs: Inputs, rows: number, depth: number, columns: number): Result {
  const x = inputs.floats([rows, depth]);
  const weight = inputs.floats([depth, columns]);
  const wanted = Float64Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return dot(x.data, row * depth, weight.data, column, depth, columns);
  });
  return { output: matmul(x.tensor, weight.tensor), wanted };
}

/** gelu(Σ slices + bias) + residual, of three slices */
export function checkJoin(inputs: Inputs, columns: number): Result {
  const rows = 5;
  const [partial, bias] = [inputs.floats([3, rows, columns]), inputs.floats([columns])];
  const residual = inputs.floats([rows, columns]);
  const wanted = Float64Array.from(residual.data, (added, i) => {
    const slices = [0, 1, 2].map((slice) => partial.data[slice * rows * columns + i] ?? NaN);
    const sum = slices.reduce((total, value) => total + value, bias.data[i % columns] ?? NaN);
    return functions.gelu(sum) + added;
  });
  const output = inputs.recording.transient('joined', [rows, columns]);
  const [b, r] = [bias.tensor, residual.tensor];
  const sizes = { rows, columns, yPitch: columns, y: output };
  join({ partial: partial.tensor, bias: b, residual: r, activation: 'gelu', ...sizes });
  return { output, wanted };
}

/** Powers of two for rows whose largest elements lie between some others. */
export function checkScale(inputs: Inputs): Result {
  const columns = 68;
  const data = Float32Array.from({ length: 3 * columns }, (_, i) =>
    i % columns === 41 ? ([-1.5, 3e9, 4e-9][Math.floor(i / columns)] ?? NaN) : 0,
  );
  const x = inputs.tensor([3, columns], data);
  const exponents = [-13, 18, -41];
  const wanted = exponents.flatMap((exponent) => [2 ** -exponent, 2 ** exponent]);
  return { output: scaleRows(x, 3, columns, columns), wanted };
}

const [batches, heads] = [2, 3];

export function checkAttention(
  inputs: Inputs,
  size: number,
  causal: boolean,
  weights: boolean,
): Result {
  const [queries, keys, width] = [causal ? 37 : 5, 37, heads * size];
  const q = inputs.floats([batches, queries, width]);
  const [k, v] = [inputs.floats([batches, keys, width]), inputs.floats([batches, keys, width])];
  const mask = Uint32Array.from({ length: batches * keys }, (_, i) => Number(i % 5 !== 3));
  const result = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: k.tensor, start: 0 },
    v: { tensor: v.tensor, start: 0 },
    keyMask: inputs.tensor([batches, keys], mask),
    heads,
    headSize: size,
    causal,
  });
  const sees = (batch: number, query: number, key: number): boolean =>
    mask[batch * keys + key] === 1 && (!causal || key <= query);
  const wanted = attend(q.data, k.data, v.data, { batches, heads, queries, keys, size, sees });
  if (weights) return { output: result.weights(), wanted: wanted.weights };
  return { output: result.output, wanted: wanted.output };
}

/**
 * A token at slot 4 of the first sequence and 2 of the second, over a cache of 6. It joins the cache,
 * or has joined before.
 */
export function checkDecode(inputs: Inputs, appends: boolean): Result {
  const [size, keys] = [9, 6];
  const width = heads * size;
  const projections = inputs.floats([batches, 1, 3 * width]);
  const cache = inputs.floats([batches * keys, 2 * width]);
  const length = Uint32Array.of(4, 2);
  const table = Uint32Array.from({ length: batches * keys }, (_, i) =>
    i % 4 === 1 ? hiddenSlot : i,
  );
  const output = attentionDecode({
    projections: projections.tensor,
    starts: appends ? { q: 0, k: width, v: 2 * width } : { q: 0 },
    cache: cache.tensor,
    place: inputs.tensor([batches, 1, 2], Uint32Array.of(0, 4, 0, 2)),
    table: inputs.tensor([batches, keys], table),
    heads,
    headSize: size,
  });
  // Keys and values as they are once the new token stands in the cache.
  const half = (part: number): Float64Array =>
    Float64Array.from(cache.data).filter((_, i) => Math.floor(i / width) % 2 === part);
  const [allKeys, allValues] = [half(0), half(1)];
  const q = new Float64Array(batches * width);
  for (let batch = 0; batch < batches; batch++) {
    const own = projections.data.subarray(batch * 3 * width, (batch + 1) * 3 * width);
    const place = (batch * keys + (length[batch] ?? 0)) * width;
    q.set(own.subarray(0, width), batch * width);
    if (!appends) continue;
    allKeys.set(own.subarray(width, 2 * width), place);
    allValues.set(own.subarray(2 * width), place);
  }
  const isOwn = (batch: number, key: number): boolean => appends && key === length[batch];
  const sees = (batch: number, _query: number, key: number): boolean =>
    key <= (length[batch] ?? 0) && (table[batch * keys + key] !== hiddenSlot || isOwn(batch, key));
  const shape = { batches, heads, queries: 1, keys, size, sees };
  return { output, wanted: attend(q, allKeys, allValues, shape).output };
}

/** Two sequences over the first half of the slots and the second, which so many parts share. */
export function checkCross(inputs: Inputs, keys: number, parts: number): Result {
  const size = 9;
  const width = heads * size;
  const q = inputs.floats([batches, 1, width]);
  const cache = inputs.floats([batches * keys, 2 * width]);
  const table = Uint32Array.from({ length: batches * keys }, (_, i) =>
    i % 4 === 1 ? hiddenSlot : i,
  );
  const output = attentionDecode({
    projections: q.tensor,
    starts: { q: 0 },
    cache: cache.tensor,
    table: inputs.tensor([batches, keys], table),
    heads,
    headSize: size,
    parts,
  });
  const half = (part: number): Float64Array =>
    Float64Array.from(cache.data).filter((_, i) => Math.floor(i / width) % 2 === part);
  const sees = (batch: number, _query: number, key: number): boolean =>
    table[batch * keys + key] !== hiddenSlot;
  const shape = { batches, heads, queries: 1, keys, size, sees };
  return { output, wanted: attend(q.data, half(0), half(1), shape).output };
}
