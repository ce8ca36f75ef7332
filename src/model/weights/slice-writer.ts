// Stored weights on their way to the GPU: pieces of files, put into place row by row.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { storedBytes, type TensorEntry, type TensorPiece } from '../../source/safetensors.ts';
import type { WeightSlice } from './parameters.ts';
import { asHeld, rowOf } from './weight-formats.ts';
import { wholeRows } from './whole-rows.ts';

/** Takes the bytes of a stored tensor in their order, and writes what belongs to a slice of it. */
export function sliceWriter(
  gpu: Gpu | undefined,
  entry: TensorEntry,
  slice: WeightSlice,
): (piece: TensorPiece) => void {
  const { tensor, first } = slice;
  const { columns, bytes: step } = rowOf(tensor);
  const rowsIn = wholeRows(entry, slice);
  const rowBytes = columns * storedBytes(entry.dtype);
  let row = first / columns;
  return (piece) => {
    for (const stored of rowsIn(piece)) {
      write(gpu, tensor, row * step, asHeld(tensor, entry, stored));
      row += stored.length / rowBytes;
    }
  };
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
