// Stored tensors arrive in pieces that end anywhere; weights are made of whole rows.

import { storedBytes, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import { transposed, type WeightSlice } from './parameters.ts';
import { rowOf } from './weight-formats.ts';

/**
 * Takes the pieces of a stored tensor in their order. Result of each: the rows of a slice that it completes, as
 * they are stored, in pieces of their own; a transposed tensor comes as one.
 */
export function wholeRows(
  { dtype }: TensorEntry,
  { shape, storedFirst, tensor, size, transposed: turned = false }: WeightSlice,
): (piece: TensorPiece) => Uint8Array[] {
  const element = storedBytes(dtype);
  const from = storedFirst * element;
  const to = from + size * element;
  const unit = (turned ? size : rowOf(tensor).columns) * element;
  let waiting: Uint8Array | undefined;
  let held = 0;

  return ({ offset, bytes }) => {
    const start = Math.max(from, offset) - offset;
    const end = Math.min(to - offset, bytes.length);
    if (start >= end) return [];
    const rows: Uint8Array[] = [];
    let rest = bytes.subarray(start, end);
    if (held > 0) rest = wait(rest, rows);
    const whole = rest.length - (rest.length % unit);
    if (whole > 0) rows.push(rest.subarray(0, whole));
    wait(rest.subarray(whole), rows);
    return turned ? rows.map((part) => transposedBytes(part, shape, element)) : rows;
  };

  /** Keeps bytes until their unit is whole. Returns those that are no part of it. */
  function wait(bytes: Uint8Array, rows: Uint8Array[]): Uint8Array {
    if (bytes.length === 0) return bytes;
    waiting ??= new Uint8Array(unit);
    const own = bytes.subarray(0, unit - held);
    waiting.set(own, held);
    held += own.length;
    if (held === unit) {
      rows.push(waiting);
      held = 0;
      waiting = undefined;
    }
    return bytes.subarray(own.length);
  }
}

/** The bytes of a transposed matrix, whose elements have so many each. */
function transposedBytes(bytes: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const { buffer } = new Uint8Array(bytes); // a copy, as elements may lie at any address
  const Elements = size === 2 ? Uint16Array : size === 4 ? Uint32Array : Float64Array;
  return new Uint8Array(transposed(new Elements(buffer), shape).buffer);
}
