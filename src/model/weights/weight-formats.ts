// The storage formats of weights: a file each in formats/, and its place in the list.

import { TransformerError } from '../../runtime/errors.ts';
import { bytesOf, type Dtype } from '../../runtime/dtype.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { storedBytes, type TensorEntry } from '../../source/safetensors.ts';
import { bf16 } from './formats/bf16.ts';
import { f16 } from './formats/f16.ts';
import { f32 } from './formats/f32.ts';
import type { NumberRange, WeightFormat } from './formats/format.ts';

const formats: readonly WeightFormat[] = [f32, f16, bf16];

/**
 * The format that a tensor of the checkpoint is held in, unless the user asks for another.
 * @throws TransformerError MODEL_UNSUPPORTED
 */
export function formatOf({ name, dtype }: Pick<TensorEntry, 'name' | 'dtype'>): WeightFormat {
  const format = formats.find(({ reads }) => reads[dtype]);
  if (format !== undefined) return format;
  throw new TransformerError(
    'MODEL_UNSUPPORTED',
    `Tensor "${name}" is stored as ${dtype}; weights may be F64, F32, F16 or BF16. ` +
      'Save the model in one of these.',
  );
}

/** The format of a tensor's elements. */
function formatNamed(name: Dtype): WeightFormat {
  const format = formats.find((one) => one.name === name);
  if (format === undefined) throw new RangeError(`${name} is no format of weights`);
  return format;
}

/** The numbers that stored bytes stand for. */
export function numbersIn(entry: TensorEntry, bytes: Uint8Array): Float32Array {
  return formatOf(entry).reads[entry.dtype]?.(bytes) ?? new Float32Array(0);
}

/** A row of a tensor: how many elements, and the bytes from one to the next. A vector's have one each. */
export function rowOf({ dtype, shape, pitch }: Tensor): { columns: number; bytes: number } {
  const [columns = 1, step] = shape.length === 1 ? [1, 1] : [shape.at(-1), pitch];
  return { columns, bytes: bytesOf(dtype, step) };
}

/** The first number that a range has none near; undefined where there is none. Infinities are told elsewhere. */
export function firstBeyond({ beyond }: NumberRange, values: Float32Array): number | undefined {
  return values.find((value) => Math.abs(value) >= beyond && Number.isFinite(value));
}

/**
 * Rows of numbers as a tensor holds them. `what`: whose they are, for the message.
 * @throws TransformerError OPTION_INVALID for numbers beyond its format
 */
export function encoded(tensor: Tensor, values: Float32Array, what: string): Uint8Array {
  const { name, range, encode } = formatNamed(tensor.dtype);
  const wrong = range && firstBeyond(range, values);
  if (wrong !== undefined) {
    throw new TransformerError(
      'OPTION_INVALID',
      `${what} ${wrong}, which ${name} cannot hold (${range?.most} at most). Load the model with dtype: 'f32'.`,
    );
  }
  const { columns } = rowOf(tensor);
  const { buffer, byteOffset, byteLength } = encode(values, columns);
  return padded(tensor, new Uint8Array(buffer, byteOffset, byteLength), values.length / columns);
}

/** Rows of a stored tensor as another one holds them. Errors as of `encoded`. */
export function asHeld(tensor: Tensor, entry: TensorEntry, stored: Uint8Array): Uint8Array {
  const rows = stored.length / storedBytes(entry.dtype) / rowOf(tensor).columns;
  return entry.dtype === formatNamed(tensor.dtype).same
    ? padded(tensor, stored, rows)
    : encoded(tensor, numbersIn(entry, stored), `Tensor "${entry.name}" holds`);
}

/** Rows with room behind each, as far as the tensor's are apart. */
function padded(tensor: Tensor, bytes: Uint8Array, rows: number): Uint8Array {
  const { bytes: step } = rowOf(tensor);
  const size = bytes.length / rows;
  if (size === step) return bytes;
  const result = new Uint8Array(rows * step);
  for (let row = 0; row < rows; row++) {
    result.set(bytes.subarray(row * size, (row + 1) * size), row * step);
  }
  return result;
}
