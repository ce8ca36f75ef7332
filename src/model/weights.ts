// Weights on their way from a checkpoint to the GPU. An architecture first declares the tensors it
// needs, which checks names and shapes; one pass over the files then fills them, piece by piece.

import { TransformerError } from '../runtime/errors.ts';
import type { Scope } from '../runtime/scope.ts';
import { type Dtype, dtypeBytes, elements, type Tensor } from '../runtime/tensor.ts';
import {
  asFloat32,
  asUint16,
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToFloat16,
} from './float16.ts';
import { readTensors, type StoredDtype, type TensorEntry } from './safetensors.ts';
import type { ReadOptions, Source } from './source.ts';

/** The storage format that weights are loaded in; as the checkpoint stores them when undefined. */
export type WeightDtype = 'f32' | 'f16' | undefined;

type WeightFormat = Exclude<Dtype, 'u32'>;

/** A linear layer: `weight` is (out, in), as in PyTorch; `bias` is (out). */
export interface Linear {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
}

/** A part of a stored tensor: rows (or elements of a vector) from `first` on, of `rows` it has. */
export interface RowRange {
  readonly first: number;
  readonly rows: number;
}

/** Where a tensor of the checkpoint, or part of one, goes: into `tensor`, from this row on. */
interface Target {
  readonly entry: TensorEntry;
  /** The bytes of the stored tensor that are wanted. */
  readonly from: number;
  readonly to: number;
  readonly tensor: Tensor;
  readonly firstRow: number;
  /** Set when rows are padded in memory: the tensor is then collected before it is written. */
  readonly collected?: Uint8Array<ArrayBuffer>;
}

const formats: Partial<Record<StoredDtype, WeightFormat>> = {
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
};

export class WeightLoader {
  readonly #scope: Scope;
  readonly #entries: ReadonlyMap<string, TensorEntry>;
  readonly #dtype: WeightDtype;
  readonly #targets: Target[] = [];

  constructor(scope: Scope, entries: ReadonlyMap<string, TensorEntry>, dtype: WeightDtype) {
    this.#scope = scope;
    this.#entries = entries;
    this.#dtype = dtype;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * A matrix of (rows, columns), in the storage format asked for. Several names are stacked: their
   * rows follow each other, so that one product does the work of several. With `part`, those rows
   * of a stored matrix that has more.
   */
  matrix(
    names: string | readonly string[],
    rows: number,
    columns: number,
    part?: RowRange,
  ): Tensor {
    const list = typeof names === 'string' ? [names] : names;
    const shape = [part?.rows ?? rows, columns];
    const entries = list.map((name) => this.#find(name, shape));
    const stored = entries.map((entry) => formatOf(entry));
    const [first = 'f32'] = stored;
    const mixed = stored.some((format) => format !== first);
    const dtype = this.#dtype ?? (mixed ? 'f32' : first);
    return this.#tensor(entries, [list.length * rows, columns], dtype, part);
  }

  /** A vector of `size`, in f32; several names are joined end to end. A shape of (1, size) passes. */
  vector(names: string | readonly string[], size: number, part?: RowRange): Tensor {
    const list = typeof names === 'string' ? [names] : names;
    const entries = list.map((name) => this.#find(name, [part?.rows ?? size]));
    return this.#tensor(entries, [list.length * size], 'f32', part);
  }

  /** `prefix.weight` (out, in) and `prefix.bias` (out); several prefixes are stacked. */
  linear(prefixes: string | readonly string[], out: number, input: number): Linear {
    const list = typeof prefixes === 'string' ? [prefixes] : prefixes;
    return {
      weight: this.matrix(
        list.map((prefix) => `${prefix}.weight`),
        out,
        input,
      ),
      bias: this.vector(
        list.map((prefix) => `${prefix}.bias`),
        out,
      ),
    };
  }

  /** A tensor that is computed, not loaded. */
  computed(label: string, shape: readonly number[], values: Float32Array<ArrayBuffer>): Tensor {
    const tensor = this.#scope.tensor({ label, shape, dtype: 'f32' });
    write(this.#scope, tensor, 0, values);
    return tensor;
  }

  /** Reads everything declared so far and puts it on the GPU. */
  async load(source: Source, options: ReadOptions): Promise<void> {
    const targets = new Map<TensorEntry, Target[]>();
    for (const target of this.#targets) {
      targets.set(target.entry, [...(targets.get(target.entry) ?? []), target]);
    }
    for await (const { entry, offset, bytes } of readTensors(source, targets.keys(), options)) {
      for (const target of targets.get(entry) ?? []) this.#place(target, offset, bytes);
    }
  }

  #find(name: string, shape: readonly number[]): TensorEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new TransformerError(
        'TENSOR_MISSING',
        `The checkpoint has no tensor "${name}" of shape (${shape.join(', ')}), which its ` +
          'config.json calls for. Check that config.json and the weights belong together.',
      );
    }
    const withoutOnes = (sizes: readonly number[]): string => sizes.filter((n) => n !== 1).join();
    const matches =
      shape.length === 1
        ? withoutOnes(entry.shape) === withoutOnes(shape)
        : entry.shape.join() === shape.join();
    if (!matches) {
      throw new TransformerError(
        'TENSOR_MISMATCH',
        `Tensor "${name}" has shape (${entry.shape.join(', ')}), but config.json calls for ` +
          `(${shape.join(', ')}). Check that config.json and the weights belong together.`,
      );
    }
    return entry;
  }

  #tensor(
    entries: readonly TensorEntry[],
    shape: readonly number[],
    dtype: WeightFormat,
    part: RowRange | undefined,
  ): Tensor {
    const columns = shape.at(-1) ?? 1;
    // Rows of 16-bit elements begin at whole words, four elements apart.
    const pitch = dtype === 'f32' ? columns : Math.ceil(columns / 4) * 4;
    const label = entries.map((entry) => entry.name).join(' + ');
    const tensor = this.#scope.tensor({ label, shape, dtype, pitch });
    const rowElements = shape.length === 1 ? 1 : columns;
    let firstRow = 0;
    for (const entry of entries) {
      const rowBytes = rowElements * dtypeBytes(formatOf(entry));
      const from = (part?.first ?? 0) * rowBytes;
      const rows = part === undefined ? elements(entry.shape) / rowElements : (shape[0] ?? 1);
      const to = from + rows * rowBytes;
      const padded = pitch !== columns && { collected: new Uint8Array(to - from) };
      this.#targets.push({ entry, from, to, tensor, firstRow, ...padded });
      firstRow += rows;
    }
    return tensor;
  }

  /** Puts bytes of a stored tensor into its place on the GPU. */
  #place(target: Target, pieceOffset: number, piece: Uint8Array): void {
    const { entry, from, to, tensor, firstRow, collected } = target;
    const first = Math.max(from, pieceOffset);
    const end = Math.min(to, pieceOffset + piece.length);
    if (first >= end) return;
    const bytes = piece.subarray(first - pieceOffset, end - pieceOffset);
    const offset = first - from;
    const rowElements = tensor.shape.length === 1 ? 1 : tensor.pitch;
    const start = firstRow * rowElements * dtypeBytes(tensor.dtype);
    if (collected === undefined) {
      const stored = formatOf(entry);
      const before = (offset / dtypeBytes(stored)) * dtypeBytes(tensor.dtype);
      write(this.#scope, tensor, start + before, convert(entry, bytes, stored, tensor.dtype));
      return;
    }
    collected.set(bytes, offset);
    if (offset + bytes.length < collected.length) return;
    const columns = tensor.size(-1);
    const values = convert(entry, collected, formatOf(entry), tensor.dtype);
    const rows = values.length / columns;
    const padded = new Uint16Array(rows * tensor.pitch);
    for (let row = 0; row < rows; row++) {
      padded.set(values.subarray(row * columns, (row + 1) * columns), row * tensor.pitch);
    }
    write(this.#scope, tensor, start, padded);
  }
}

function formatOf(entry: TensorEntry): WeightFormat {
  const format = formats[entry.dtype];
  if (format === undefined) {
    throw new TransformerError(
      'MODEL_UNSUPPORTED',
      `Tensor "${entry.name}" is stored as ${entry.dtype}; weights may be F32, F16 or BF16. ` +
        'Save the model in one of these.',
    );
  }
  return format;
}

/** Stored bytes as an array in the target's format. */
function convert(
  entry: TensorEntry,
  bytes: Uint8Array,
  from: WeightFormat,
  to: Dtype,
): Uint16Array | Float32Array {
  if (from === to) return from === 'f32' ? asFloat32(bytes) : asUint16(bytes);
  const values =
    from === 'f32'
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

/** Writes to a byte offset; WebGPU wants whole words, so an odd half word is padded. */
function write(
  scope: Scope,
  { buffer }: Tensor,
  offset: number,
  values: Uint16Array | Float32Array,
): void {
  if (buffer === undefined || values.length === 0) return;
  const { queue } = scope.gpu.device;
  const odd = values.byteLength % 4 !== 0;
  const whole = odd ? new Uint16Array([...values, 0]) : values;
  // Larger uploads are cut, so that a mapped copy of them never stands in memory as a whole.
  const chunk = 4 * 1024 * 1024;
  for (let at = 0; at < whole.byteLength; at += chunk) {
    const size = Math.min(chunk, whole.byteLength - at);
    queue.writeBuffer(buffer, offset + at, whole.buffer, whole.byteOffset + at, size);
  }
}
