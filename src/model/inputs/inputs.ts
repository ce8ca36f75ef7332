// Checks what callers pass in and brings it to the form the GPU takes: padded, flat, typed.

import { TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';

/** A batch of token sequences of equal length. */
export interface TokenBatch {
  readonly batch: number;
  readonly length: number;
  readonly rows: readonly (readonly number[])[];
}

/** Numbers with a shape: dense inputs, and all outputs. Row-major. */
export interface DenseTensor {
  /** All values, the last dimension running fastest. */
  readonly data: Float32Array;
  /** The size of each dimension. */
  readonly shape: readonly number[];
}

function invalid(message: string): TransformerError {
  return new TransformerError('INPUT_INVALID', message);
}

/** A rectangular, non-empty batch of whole numbers from `least` up to (not including) `end`. */
export function tokenBatch(name: string, value: unknown, least: number, end: number): TokenBatch {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(`${name} is ${describe(value)}; wanted a non-empty array of token id arrays.`);
  }
  const rows: readonly unknown[] = value;
  const [first] = rows;
  if (!Array.isArray(first)) {
    throw invalid(
      `${name} holds ${describe(first)}; wanted one array of token ids per sequence, [[…], […]].`,
    );
  }
  const { length } = first;
  if (length === 0) throw invalid(`${name} holds an empty sequence; wanted at least one token.`);
  for (const [index, row] of rows.entries()) {
    if (!isNumbers(row)) {
      throw invalid(`${name}[${index}] is ${describe(row)}; wanted an array of token ids.`);
    }
    if (row.length !== length) {
      throw invalid(
        `${name} is ragged: row 0 has ${length} tokens, row ${index} has ${row.length}. ` +
          'Pad the rows to one length and pass the attention mask.',
      );
    }
    const wrong = row.findIndex((id) => !Number.isSafeInteger(id) || id < least || id >= end);
    if (wrong >= 0) {
      throw invalid(
        `${name}[${index}][${wrong}] is ${row[wrong]}; wanted a whole number from ${least} to ${end - 1}.`,
      );
    }
  }
  return { batch: rows.length, length, rows: rows as readonly number[][] };
}

/** A mask of 0 and 1 shaped like `batch`; all ones when absent. */
export function maskBatch(name: string, value: unknown, like: TokenBatch, of: string): TokenBatch {
  if (value === undefined) {
    const rows = like.rows.map((row) => row.map(() => 1));
    return { ...like, rows };
  }
  const mask = tokenBatch(name, value, 0, 2);
  sameShape(name, mask, like, of);
  return mask;
}

/** Refuses batches of another shape. */
export function sameShape(name: string, got: TokenBatch, like: TokenBatch, of: string): void {
  if (got.batch === like.batch && got.length === like.length) return;
  throw invalid(
    `${name} is ${got.batch} × ${got.length}, but ${of} is ${like.batch} × ${like.length}. ` +
      'They must have the same shape.',
  );
}

/** Refuses sequences longer than the model's positions. */
export function withinPositions(name: string, length: number, positions: number): void {
  if (length <= positions) return;
  throw invalid(`${name} has ${length} tokens; this model has ${positions} positions. Shorten it.`);
}

/** A dense tensor of the wanted rank; its data must fill its shape. */
export function denseTensor(name: string, value: unknown, rank: number): DenseTensor {
  const { data, shape } = (value ?? {}) as Partial<DenseTensor>;
  if (!(data instanceof Float32Array) || !isNumbers(shape)) {
    throw invalid(`${name} is ${describe(value)}; wanted { data: Float32Array, shape: number[] }.`);
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (shape.length !== rank || data.length !== size || size === 0) {
    throw invalid(
      `${name} has shape (${shape.join(', ')}) and ${data.length} values; wanted ${rank} axes, ` +
        'none of them empty, and as many values as the shape says.',
    );
  }
  return { data, shape };
}

/** The rows laid into a (batch, length) block, `fill` behind each. */
export function padRows({ rows }: TokenBatch, length: number, fill = 0): Uint32Array<ArrayBuffer> {
  const block = new Uint32Array(rows.length * length).fill(fill);
  rows.forEach((row, index) => block.set(row, index * length));
  return block;
}

/**
 * The length a list is recorded for. Nearby lengths share one, so that lists are reused: steps of
 * 16 up to 128, of 64 up to 512, of 256 beyond, never above `most`.
 */
export function bucket(length: number, most: number = Infinity): number {
  const step = length <= 128 ? 16 : length <= 512 ? 64 : 256;
  return Math.min(most, Math.ceil(length / step) * step);
}

/** The leading part of every axis of a row-major block: undoes padding. */
export function crop(
  data: Float32Array,
  from: readonly number[],
  to: readonly number[],
): Float32Array {
  if (from.join() === to.join()) return data;
  const [outer = 1, ...inner] = from;
  const [wanted = 1, ...rest] = to;
  const stride = inner.reduce((product, n) => product * n, 1);
  if (inner.length === 0) return data.slice(0, Math.min(outer, wanted));
  const parts = Array.from({ length: wanted }, (_, i) =>
    crop(data.subarray(i * stride, (i + 1) * stride), inner, rest),
  );
  const result = new Float32Array(to.reduce((product, n) => product * n, 1));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function isNumbers(value: unknown): value is readonly number[] {
  return isListOf(value, (item) => typeof item === 'number');
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : 'an array';
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${show(value)}`;
}

/** The position of each token: how many tokens before it are no padding. */
export function positionsOf(mask: readonly number[]): number[] {
  let count = 0;
  return mask.map((flag) => {
    count += flag;
    return count - flag;
  });
}
