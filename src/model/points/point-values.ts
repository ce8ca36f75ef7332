// What edits add or put in place: a number, a vector or a tensor.

import { fieldOf, TransformerError } from '../../runtime/errors.ts';
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
  const wanted = `a number, ${last} numbers, or a tensor of shape (${shape.join(', ')})`;
  const wrong = (got: string): TransformerError =>
    new TransformerError('OPTION_INVALID', `The ${what} is ${got}; wanted ${wanted}.`);
  if (typeof given === 'number') {
    if (!Number.isFinite(given)) throw wrong(show(given));
    return { each: false, data: new Float32Array(last).fill(given), shape: [last] };
  }
  const vector = given instanceof Float32Array || isListOf(given, isNumber) ? given : undefined;
  if (vector !== undefined) {
    if (vector.length !== last) throw wrong(`${vector.length} numbers`);
    return { each: false, data: finite(Float32Array.from(vector), wrong), shape: [last] };
  }
  const [data, own] = [fieldOf(given, 'data'), fieldOf(given, 'shape')];
  if (!(data instanceof Float32Array) || !isListOf(own, isNumber)) throw wrong(show(given));
  const isOne = own[0] === 1 && own.slice(1).join() === shape.slice(1).join();
  if ((own.join() !== shape.join() && !isOne) || data.length !== elements(own)) {
    throw wrong(`a tensor of shape (${own.join(', ')}) with ${data.length} numbers`);
  }
  return { each: true, data: finite(data, wrong), shape: own };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function finite(data: Float32Array, wrong: (got: string) => TransformerError): Float32Array {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return data;
  throw wrong(`${String(data[at])} at ${at}`);
}
