// Tensors as bytes and as numbers: what tests write to the GPU and read back.

import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/source/float16.ts';
import { write } from '../../src/model/weights/slice-writer.ts';
import { makeInParts } from '../../src/runtime/parts.ts';
import type { Scope } from '../../src/runtime/scope.ts';
import { blocksOf, bytesOf, type Dtype, pitchOf } from '../../src/runtime/dtype.ts';
import { elements, type Tensor } from '../../src/runtime/tensor.ts';
import type { Values } from '../reference/twin.ts';
import { decodeBlocks, encodeBlocks } from './blocks.ts';

/** The elements of a tensor as they lie in memory, padding included. */
export function decode(bytes: ArrayBuffer, dtype: Dtype): Values {
  if (dtype === 'u32') return new Uint32Array(bytes);
  if (dtype === 'f32') return Float64Array.from(new Float32Array(bytes));
  if (blocksOf(dtype)) return decodeBlocks(bytes, dtype).values;
  const halves = new Uint16Array(bytes);
  return Float64Array.from(dtype === 'f16' ? float16ToFloat32(halves) : bfloat16ToFloat32(halves));
}

/** Rows of numbers as storage, rounded to the format, with `padding` between them. */
function encode(
  values: Float32Array<ArrayBuffer>,
  columns: number,
  { dtype, pitch }: { readonly dtype: Dtype; readonly pitch: number },
  padding = 0,
): Uint8Array<ArrayBuffer> {
  const rows = values.length / columns;
  const spread = new Float32Array(rows * pitch).fill(padding);
  for (let row = 0; row < rows; row++) {
    spread.set(values.subarray(row * columns, (row + 1) * columns), row * pitch);
  }
  if (blocksOf(dtype)) return encodeBlocks(spread, dtype);
  let stored: Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer> = spread;
  if (dtype === 'f16') stored = float32ToFloat16(spread);
  if (dtype === 'bf16') stored = float32ToBfloat16(spread);
  const bytes = new Uint8Array(Math.max(4, bytesOf(dtype, rows * pitch)));
  bytes.set(new Uint8Array(stored.buffer));
  return bytes;
}

/**
 * A weight as loading leaves it: rows of 2-byte formats begin at a multiple of 4 elements, and what is
 * beyond the limit lies in parts. The padding holds a number that would show if it were used.
 */
export function storeWeight(
  scope: Scope,
  shape: readonly number[],
  values: Float32Array<ArrayBuffer>,
  dtype: Dtype = 'f32',
): Tensor {
  const columns = shape.at(-1) ?? 1;
  if (values.length !== elements(shape))
    throw new RangeError(`${values.length} for (${shape.join(', ')})`);
  const pitch = pitchOf(dtype, columns);
  const { gpu } = scope;
  const options = { label: 'weight', shape, dtype, pitch };
  const limits = { limit: gpu.bindingLimit, purpose: 'weights' } as const;
  const tensor = makeInParts(options, limits, (part) => scope.tensor(part));
  const bytes = encode(values, columns, tensor, 777);
  write(gpu, tensor, 0, new Uint16Array(bytes.buffer));
  return tensor;
}
