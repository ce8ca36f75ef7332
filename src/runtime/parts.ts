// Tensors beyond what one buffer may hold. Such a tensor consists of parts: whole rows of it, in buffers
// of their own. Operations that go by rows run once for each part, on the same kernels. Where the other
// tensors of an operation are whole, each run sees a window of them: a binding that begins further on.

import { limitError, type Purpose } from './limits.ts';
import type { Recording } from './record.ts';
import { bytesOf } from './dtype.ts';
import { elements, Tensor, type TensorOptions } from './tensor.ts';

/** Rows of a tensor, all axes but the last taken as one: those from `first` on. */
export interface Part {
  readonly tensor: Tensor;
  readonly first: number;
  readonly rows: number;
}

/**
 * Parts begin at multiples of so many rows. Then windows begin at multiples of 256 bytes, as bindings
 * must, be it a row or a single element of theirs that belongs to a row of the tensor in parts.
 */
const rowsAlike = 64;

/** The rows of a tensor. */
export function rowsOf({ shape }: Pick<Tensor, 'shape'>): number {
  return elements(shape.slice(0, -1));
}

/** The parts of a tensor; one that has none is its own only part. */
export function partsOf(tensor: Tensor): readonly Part[] {
  let first = 0;
  return (tensor.parts ?? [tensor]).map((part) => {
    const rows = rowsOf(part);
    first += rows;
    return { tensor: part, first: first - rows, rows };
  });
}

export interface PartOptions {
  /** Bytes that each part may have. */
  readonly limit: number;
  readonly purpose: Purpose;
}

/**
 * A tensor that `make` makes: whole, or in parts of about one size.
 * @throws TransformerError LIMIT_EXCEEDED when not even 64 of its rows fit into one
 */
export function makeInParts(
  options: TensorOptions,
  { limit, purpose }: PartOptions,
  make: (options: TensorOptions) => Tensor,
): Tensor {
  const { label, shape, dtype } = options;
  const whole = new Tensor(options);
  const most = Math.floor(limit / bytesOf(dtype, whole.pitch) / rowsAlike) * rowsAlike;
  const { byteLength: size } = whole;
  if (size <= limit) return make(options);
  if (shape.length < 2 || most === 0) throw limitError({ label, size, limit }, purpose);
  const all = rowsOf(whole);
  const rows = Math.ceil(all / Math.ceil(all / most) / rowsAlike) * rowsAlike;
  const parts = Array.from({ length: Math.ceil(all / rows) }, (_, index) => {
    const count = Math.min(rows, all - index * rows);
    return make({
      ...options,
      label: `${label}, part ${index + 1}`,
      shape: [count, whole.size(-1)],
    });
  });
  return inParts(whole, parts);
}

/** The tensor that consists of these parts, with the label and shape of another one. */
function inParts({ label, shape }: Tensor, parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new RangeError(`${label} has no parts`);
  const { dtype, pitch } = first;
  const recording = first.isRecorded && { recording: first.recording };
  return new Tensor({ label, shape, dtype, pitch, parts, ...recording });
}

/** What `change` makes of a tensor, or of each of its parts. */
export function mapParts(tensor: Tensor, change: (part: Tensor) => Tensor): Tensor {
  return tensor.parts === undefined ? change(tensor) : inParts(tensor, tensor.parts.map(change));
}

/** A computed tensor in f32, in parts where it is too large for one buffer. */
export function transientInParts(
  recording: Recording,
  label: string,
  shape: readonly number[],
): Tensor {
  const limits = { limit: recording.gpu.bindingLimit, purpose: 'results' } as const;
  return makeInParts({ label, shape, dtype: 'f32' }, limits, (part) =>
    recording.transient(part.label, part.shape),
  );
}

/** A computed tensor like another one, in parts where that is. */
export function transientLike(
  tensor: Tensor,
  {
    label = tensor.label,
    recording = tensor.recording,
  }: Partial<Pick<Tensor, 'label' | 'recording'>> = {},
): Tensor {
  return mapParts(tensor, (part) =>
    recording.transient(part === tensor ? label : part.label, part.shape),
  );
}

/** A window of a whole tensor: this shape, from one of its elements on. */
export function windowOf(
  tensor: Tensor,
  first: number,
  { shape, pitch }: { shape: readonly number[]; pitch?: number },
): Tensor {
  const { label, dtype, buffer } = tensor;
  return new Tensor({
    label,
    shape,
    dtype,
    ...(pitch !== undefined && { pitch }),
    offset: tensor.offset + bytesOf(dtype, first),
    ...(buffer === undefined ? { of: tensor.of ?? tensor } : { buffer }),
    ...(tensor.isRecorded && { recording: tensor.recording }),
  });
}

/**
 * The rows of a tensor that belong to a part of another one.
 * @throws TransformerError LIMIT_EXCEEDED for a tensor with parts of its own that differ from those
 */
export function rowsIn(tensor: Tensor, { first, rows }: Part): Tensor {
  if (first === 0 && rows === rowsOf(tensor)) return tensor;
  if (tensor.parts !== undefined) {
    const own = partsOf(tensor).find((part) => part.first === first && part.rows === rows);
    if (own !== undefined) return own.tensor;
    const { byteLength: size, recording } = tensor;
    const label = `${tensor.describe()}, of which other rows are wanted than it has together,`;
    throw limitError({ label, size, limit: recording.gpu.bindingLimit }, 'results');
  }
  const { pitch } = tensor;
  return windowOf(tensor, first * pitch, { shape: [rows, tensor.size(-1)], pitch });
}

/**
 * Calls `append` with a tensor, or with each of its parts, and with what takes the same rows of others:
 * `rows` of such as have the same rows, `each` of such as have one element a row.
 */
export function forRows(
  tensor: Tensor,
  append: (part: Tensor, rows: (other: Tensor) => Tensor, each: (other: Tensor) => Tensor) => void,
): void {
  if (tensor.parts === undefined) {
    append(
      tensor,
      (other) => other,
      (other) => other,
    );
    return;
  }
  for (const part of partsOf(tensor)) {
    append(
      part.tensor,
      (other) => rowsIn(other, part),
      (other) => windowOf(other, part.first, { shape: [part.rows] }),
    );
  }
}
