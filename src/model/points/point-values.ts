// What edits add or put in place: a number, a vector or a tensor.

import { fieldOf, isA, TransformerError } from '../../runtime/errors.ts';
import { isListOf } from '../../runtime/lists.ts';
import { show } from '../../runtime/print.ts';
import { elements } from '../../runtime/tensor.ts';

/** Numbers along the last axis, or of all axes where `each`. */
export interface CheckedValue {
  readonly each: boolean;
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/**
 * A value for an activation of this shape.
 * @throws TransformerError OPTION_INVALID
 */
export function valueOf(given: unknown, shape: readonly number[], what: string): CheckedValue {
  const last = shape.at(-1) ?? 1;
  const axes = shape.map((size) => (size === Infinity ? 'any' : size));
  const wanted = `a number, ${last} numbers, or a tensor of shape (${axes.join(', ')})`;
  const wrong = (got: string): TransformerError =>
    new TransformerError('OPTION_INVALID', `The ${what} is ${got}; wanted ${wanted}.`);
  if (typeof given === 'number') {
    if (!isHeld(given)) throw wrong(show(given));
    return { each: false, data: new Float32Array(last).fill(given), shape: [last] };
  }
  const vector = isA(given, Float32Array) || isListOf(given, isNumber) ? given : undefined;
  if (vector !== undefined) {
    if (vector.length !== last) throw wrong(`${vector.length} numbers`);
    return { each: false, data: finite(Float32Array.from(vector), wrong), shape: [last] };
  }
  const [data, own] = [fieldOf(given, 'data'), fieldOf(given, 'shape')];
  if (!isA(data, Float32Array) || !isListOf(own, isNumber)) throw wrong(show(given));
  const fits = (size: number | undefined, axis: number): boolean =>
    own[axis] === size ||
    (size === Infinity && Number(own[axis]) > 0) ||
    (axis === 0 && own[0] === 1);
  const isAlike = own.length === shape.length && shape.every(fits);
  if (!isAlike || data.length !== elements(own)) {
    throw wrong(`a tensor of shape (${own.join(', ')}) with ${data.length} numbers`);
  }
  return { each: true, data: finite(data, wrong), shape: own };
}

/** Whether a number is one of f32. */
export function isHeld(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value));
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function finite(data: Float32Array, wrong: (got: string) => TransformerError): Float32Array {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return data;
  throw wrong(`${String(data[at])} at ${at}`);
}
