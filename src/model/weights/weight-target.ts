// Where stored weights go on the GPU: pieces of files, in any order of files, put into place.

import type { Gpu } from '../../runtime/gpu.ts';
import { dtypeBytes, type Tensor } from '../../runtime/tensor.ts';
import { transposed } from './parameters.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import { convert, storedBytes, write } from './weight-storage.ts';

/** Where a tensor of the checkpoint, or part of one, goes: into `tensor`, from this row on. */
export interface Target {
  readonly entry: TensorEntry;
  /** The bytes of the stored tensor that are wanted. */
  readonly from: number;
  readonly to: number;
  readonly tensor: Tensor;
  readonly firstRow: number;
  readonly transposed: boolean;
  /** What is there of a tensor whose rows are padded in memory, or transposed: it is written whole. */
  collected?: Uint8Array<ArrayBuffer> | undefined;
}

/** Puts bytes of a stored tensor into its place on the GPU. */
export function put(
  gpu: Gpu | undefined,
  target: Target,
  pieceOffset: number,
  piece: Uint8Array,
): void {
  const { entry, from, to, tensor, firstRow } = target;
  const first = Math.max(from, pieceOffset);
  const end = Math.min(to, pieceOffset + piece.length);
  if (first >= end) return;
  const bytes = piece.subarray(first - pieceOffset, end - pieceOffset);
  const offset = first - from;
  const rowElements = tensor.shape.length === 1 ? 1 : tensor.pitch;
  const start = firstRow * rowElements * dtypeBytes(tensor.dtype);
  const columns = tensor.size(-1);
  if (tensor.pitch === columns && !target.transposed) {
    const before = (offset / storedBytes(entry)) * dtypeBytes(tensor.dtype);
    write(gpu, tensor, start + before, convert(entry, bytes, tensor.dtype));
    return;
  }
  const collected = (target.collected ??= new Uint8Array(to - from));
  collected.set(bytes, offset);
  if (offset + bytes.length < collected.length) return;
  target.collected = undefined;
  const stored = convert(entry, collected, tensor.dtype);
  const values = target.transposed ? transposed(stored, entry.shape) : stored;
  if (tensor.pitch === columns) return write(gpu, tensor, start, values);
  const rows = values.length / columns;
  const padded = new Uint16Array(rows * tensor.pitch);
  for (let row = 0; row < rows; row++) {
    padded.set(values.subarray(row * columns, (row + 1) * columns), row * tensor.pitch);
  }
  write(gpu, tensor, start, padded);
}
