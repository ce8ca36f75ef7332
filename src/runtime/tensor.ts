// A tensor is a shape, a storage format and a place: a buffer it owns for good, or one that the
// plan of its recording assigns. It holds no values on the CPU.

import { blocksOf, bytesOf, type Dtype, isPacked } from './dtype.ts';
import { TransformerError } from './errors.ts';
import type { Recording } from './record.ts';

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export interface TensorOptions {
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Elements from one row to the next; the row length by default. */
  readonly pitch?: number;
  /** The buffer, for tensors that live beyond one recording. */
  readonly buffer?: GPUBuffer;
  /** Where in the buffer it begins, in bytes: a multiple of 256. 0 by default. */
  readonly offset?: number;
  /** The recording that computes it, for the others. */
  readonly recording?: Recording;
  /** The computed tensor that it is a window of; `offset` then counts from where that one begins. */
  readonly of?: Tensor | undefined;
  /** The rows, some in each, of a tensor too large for one buffer, which has none itself. */
  readonly parts?: readonly Tensor[];
}

export class Tensor {
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** Elements from one row to the next (rows run along the last axis). */
  readonly pitch: number;
  /** Bytes it occupies, in whole words. */
  readonly byteLength: number;
  readonly buffer: GPUBuffer | undefined;
  /** Where in its buffer it begins, in bytes. */
  readonly offset: number;
  /** The computed tensor that it is a window of, see parts.ts. */
  readonly of: Tensor | undefined;
  /** The tensors that hold its rows, where it is too large for one buffer, see parts.ts. */
  readonly parts: readonly Tensor[] | undefined;
  readonly #recording: Recording | undefined;

  constructor(options: TensorOptions) {
    this.label = options.label;
    this.shape = options.shape;
    this.dtype = options.dtype;
    const columns = this.size(-1);
    this.pitch = options.pitch ?? columns;
    const rows = columns === 0 ? 0 : elements(this.shape) / columns;
    // Packed rows are padded. Those of a window are apart, and the last one ends with its columns.
    const last = isPacked(this.dtype) ? this.pitch : columns;
    const length = rows === 0 ? 0 : (rows - 1) * this.pitch + last;
    // Blocks are read by 16 bytes.
    const unit = blocksOf(this.dtype) === undefined ? 4 : 16;
    this.byteLength = Math.max(unit, Math.ceil(bytesOf(this.dtype, length) / unit) * unit);
    this.buffer = options.buffer;
    this.offset = options.offset ?? 0;
    this.of = options.of;
    this.parts = options.parts;
    this.#recording = options.recording;
  }

  /** The recording that computes this tensor. Weights have none: they exist before any recording. */
  get recording(): Recording {
    if (this.#recording === undefined) {
      throw new TransformerError(
        'INPUT_INVALID',
        `${this.label} belongs to no recording, so nothing can be computed from it alone. ` +
          'Bring it in with recording.use(tensor).',
      );
    }
    return this.#recording;
  }

  /** Whether a recording computes it. */
  get isRecorded(): boolean {
    return this.#recording !== undefined;
  }

  /** Length of one axis; negative axes count from the end. A scalar has one row of one element. */
  size(axis: number): number {
    const index = axis < 0 ? this.shape.length + axis : axis;
    return this.shape[index] ?? 1;
  }

  /** Label, format and shape, for messages. */
  describe(): string {
    return `${this.label} ${this.dtype}(${this.shape.join(', ')})`;
  }
}
