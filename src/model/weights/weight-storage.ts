// Storage formats of weights: what a checkpoint holds, brought to what the GPU is given.

import { TransformerError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import type { Dtype, Tensor } from '../../runtime/tensor.ts';
import {
  asFloat32,
  asUint16,
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToFloat16,
  float64ToFloat32,
} from '../../source/float16.ts';
import type { StoredDtype, TensorEntry } from '../../source/safetensors.ts';

export type WeightFormat = Exclude<Dtype, 'u32'>;

/** What a tensor of each type is held as, and how many bytes a stored element has. */
const formats: Partial<Record<StoredDtype, readonly [WeightFormat, bytes: number]>> = {
  F64: ['f32', 8],
  F32: ['f32', 4],
  F16: ['f16', 2],
  BF16: ['bf16', 2],
};

/** The format that a tensor of the checkpoint is held in, unless the user asks for another. */
export function formatOf(entry: TensorEntry): WeightFormat {
  return known(entry)[0];
}

/** Bytes of a stored element. */
export function storedBytes(entry: TensorEntry): number {
  return known(entry)[1];
}

function known(entry: TensorEntry): readonly [WeightFormat, bytes: number] {
  const format = formats[entry.dtype];
  if (format === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `Tensor "${entry.name}" is stored as ${entry.dtype}; weights may be F64, F32, F16 or BF16. ` +
        'Save the model in one of these.',
    );
  }
  return format;
}

/** Stored bytes as an array in the target's format. */
export function convert(
  entry: TensorEntry,
  bytes: Uint8Array,
  to: Dtype,
): Uint16Array | Float32Array {
  const isLong = entry.dtype === 'F64';
  const from = formatOf(entry);
  if (from === to && !isLong) return from === 'f32' ? asFloat32(bytes) : asUint16(bytes);
  const values = isLong
    ? float64ToFloat32(bytes)
    : from === 'f32'
      ? asFloat32(bytes)
      : from === 'f16'
        ? float16ToFloat32(asUint16(bytes))
        : bfloat16ToFloat32(asUint16(bytes));
  if (to === 'f32') return values;
  const halves = float32ToFloat16(values);
  const overflow = halves.findIndex(
    (bits, i) => (bits & 0x7fff) === 0x7c00 && Number.isFinite(values[i]),
  );
  if (overflow >= 0) {
    throw new TransformerError(
      'OPTION_INVALID',
      `Tensor "${entry.name}" holds ${values[overflow]}, which f16 cannot hold (65504 at most). ` +
        "Load the model with dtype: 'f32'.",
    );
  }
  return halves;
}

/**
 * Writes to a byte offset, and on into the next parts where the tensor has such. WebGPU wants whole
 * words, so an odd half word is padded.
 */
export function write(
  gpu: Gpu | undefined,
  tensor: Tensor,
  offset: number,
  values: Uint16Array | Uint32Array | Float32Array,
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
  const odd = values.byteLength % 4 !== 0;
  const whole = odd ? new Uint16Array([...values, 0]) : values;
  // Larger uploads are cut, so that a mapped copy of them never stands in memory as a whole.
  const chunk = 4 * 1024 * 1024;
  for (let at = 0; at < whole.byteLength; at += chunk) {
    const size = Math.min(chunk, whole.byteLength - at);
    queue.writeBuffer(buffer, start + offset + at, whole.buffer, whole.byteOffset + at, size);
  }
}
