// Stored weights on their way to the GPU: pieces of files, put into place row by row.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { storedBytes, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import { transposed, type WeightSlice } from './parameters.ts';
import { encoded, formatNamed, numbersIn, padded, rowOf } from './weight-formats.ts';

/** Takes the bytes of a stored tensor in their order, and writes what belongs to a slice of it. */
export function sliceWriter(
  gpu: Gpu | undefined,
  entry: TensorEntry,
  { shape, storedFirst, tensor, first, size, transposed: turned = false }: WeightSlice,
): (piece: TensorPiece) => void {
  const element = storedBytes(entry.dtype);
  const { columns, bytes: step } = rowOf(tensor);
  const { same } = formatNamed(tensor.dtype);
  const from = storedFirst * element;
  const to = from + size * element;
  // What is brought over together: a row, or all that is to be transposed.
  const unit = (turned ? size : columns) * element;
  let row = first / columns;
  let waiting: Uint8Array | undefined;
  let held = 0;

  const put = (bytes: Uint8Array): void => {
    const stored = turned ? transposedBytes(bytes, shape, element) : bytes;
    const rows = stored.length / element / columns;
    const data =
      entry.dtype === same
        ? padded(tensor, stored, rows)
        : encoded(tensor, numbersIn(entry, stored), `Tensor "${entry.name}" holds`);
    write(gpu, tensor, row * step, data);
    row += rows;
  };

  /** Keeps bytes until their unit is whole. Returns those that are no part of it. */
  const wait = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length === 0) return bytes;
    waiting ??= new Uint8Array(unit);
    const own = bytes.subarray(0, unit - held);
    waiting.set(own, held);
    held += own.length;
    if (held === unit) {
      put(waiting);
      held = 0;
      waiting = undefined;
    }
    return bytes.subarray(own.length);
  };

  return ({ offset, bytes }) => {
    const start = Math.max(from, offset) - offset;
    const end = Math.min(to - offset, bytes.length);
    if (start >= end) return;
    const own = bytes.subarray(start, end);
    const rest = held > 0 ? wait(own) : own;
    const whole = rest.length - (rest.length % unit);
    if (whole > 0) put(rest.subarray(0, whole));
    wait(rest.subarray(whole));
  };
}

/** The bytes of a transposed matrix, whose elements have so many each. */
function transposedBytes(bytes: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const { buffer } = new Uint8Array(bytes); // a copy, as elements may lie at any address
  const Elements = size === 2 ? Uint16Array : size === 4 ? Uint32Array : Float64Array;
  return new Uint8Array(transposed(new Elements(buffer), shape).buffer);
}

/** Writes whole words to a byte offset, and on into the next parts where the tensor has such. */
export function write(
  gpu: Gpu | undefined,
  tensor: Tensor,
  offset: number,
  values: Uint8Array | Uint16Array | Uint32Array | Float32Array,
): void {
  if (tensor.parts !== undefined) {
    let start = 0;
    for (const part of tensor.parts) {
      const from = Math.max(offset, start);
      start += part.byteLength;
      const size = values.BYTES_PER_ELEMENT;
      const own = values.subarray((from - offset) / size, Math.max(0, start - offset) / size);
      write(gpu, part, from - (start - part.byteLength), own);
    }
    return;
  }
  const { buffer, offset: start } = tensor;
  if (gpu === undefined || buffer === undefined || values.length === 0) return;
  const { queue } = gpu.device;
  // Larger uploads are cut, so that a mapped copy of them never stands in memory as a whole.
  const chunk = 4 * 1024 * 1024;
  for (let at = 0; at < values.byteLength; at += chunk) {
    const size = Math.min(chunk, values.byteLength - at);
    queue.writeBuffer(buffer, start + offset + at, values.buffer, values.byteOffset + at, size);
  }
}
