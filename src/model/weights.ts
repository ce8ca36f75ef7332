// Weights on their way from a checkpoint to the GPU. An architecture first declares the tensors it
// needs, which checks names and shapes; one pass over the files then fills them, piece by piece.

import { TransformerError } from '../runtime/errors.ts';
import type { Scope } from '../runtime/scope.ts';
import { dtypeBytes, elements, Tensor, type TensorOptions } from '../runtime/tensor.ts';
import type { Piece } from './parameters.ts';
import { readTensors, type TensorEntry } from './safetensors.ts';
import type { ReadOptions, Source } from './source.ts';
import { convert, formatOf, type WeightFormat, write } from './weight-storage.ts';

/** The storage format that weights are loaded in; as the checkpoint stores them when undefined. */
export type WeightDtype = 'f32' | 'f16' | undefined;

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

/** Finds a tensor of the checkpoint by the name and shape that config.json calls for. */
export type FindEntry = (name: string, shape: readonly number[]) => TensorEntry | undefined;

/** Makes a tensor for weights. */
export type Allocate = (options: TensorOptions) => Tensor;

export interface WeightLoaderOptions {
  readonly find: FindEntry;
  readonly dtype: WeightDtype;
  /** How tensors that train get memory; as the others when absent. */
  readonly place?: Allocate;
}

export class WeightLoader {
  readonly #scope: Scope | undefined;
  readonly #findEntry: FindEntry;
  readonly #dtype: WeightDtype;
  readonly #allocate: Allocate;
  readonly #place: Allocate;
  readonly #targets: Target[] = [];
  /** Where the tensors of the checkpoint lie: those that are trained, and the others. */
  readonly pieces: Piece[] = [];
  readonly constants: Piece[] = [];

  /** Without a scope nothing is allocated: tensors are names and shapes only. */
  constructor(scope: Scope | undefined, { find, dtype, place }: WeightLoaderOptions) {
    this.#scope = scope;
    this.#findEntry = find;
    this.#dtype = dtype;
    this.#allocate = (options) => scope?.tensor(options) ?? new Tensor(options);
    this.#place = place ?? this.#allocate;
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

  /** A vector that belongs to the checkpoint but is not trained; undefined where there is none. */
  constant(name: string, storedShape: readonly number[]): Tensor | undefined {
    if (this.#findEntry(name, storedShape) === undefined) return undefined;
    const shape = [elements(storedShape)];
    const tensor = this.#allocate({ label: name, shape, dtype: 'f32' });
    this.#fill(tensor, [this.#find(name, shape)], undefined, this.constants);
    return tensor;
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
    const tensor = this.#allocate({ label, shape, dtype: 'f32' });
    write(this.#scope?.gpu, tensor, 0, values);
    return tensor;
  }

  /** Reads everything declared so far and puts it on the GPU. */
  async load(source: Source, options: ReadOptions): Promise<void> {
    const targets = new Map<TensorEntry, Target[]>();
    for (const target of this.#targets) {
      targets.set(target.entry, [...(targets.get(target.entry) ?? []), target]);
    }
    for await (const { entry, offset, bytes } of readTensors(source, targets.keys(), options)) {
      for (const target of targets.get(entry) ?? []) this.#put(target, offset, bytes);
    }
  }

  #find(name: string, shape: readonly number[]): TensorEntry {
    const entry = this.#findEntry(name, shape);
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
    const tensor = this.#place({ label, shape, dtype, pitch });
    this.#fill(tensor, entries, part, this.pieces);
    return tensor;
  }

  /** Notes which tensors of the checkpoint, or parts of them, fill a tensor from its start on. */
  #fill(
    tensor: Tensor,
    entries: readonly TensorEntry[],
    part: RowRange | undefined,
    pieces: Piece[],
  ): void {
    const { shape, pitch } = tensor;
    const columns = tensor.size(-1);
    const rowElements = shape.length === 1 ? 1 : columns;
    let firstRow = 0;
    for (const entry of entries) {
      const rowBytes = rowElements * dtypeBytes(formatOf(entry));
      const from = (part?.first ?? 0) * rowBytes;
      const rows = part === undefined ? elements(entry.shape) / rowElements : (shape[0] ?? 1);
      const to = from + rows * rowBytes;
      const padded = pitch !== columns && { collected: new Uint8Array(to - from) };
      this.#targets.push({ entry, from, to, tensor, firstRow, ...padded });
      pieces.push({
        name: entry.name,
        shape: entry.shape,
        storedFirst: (part?.first ?? 0) * rowElements,
        tensor,
        first: firstRow * rowElements,
        size: rows * rowElements,
      });
      firstRow += rows;
    }
  }

  /** Puts bytes of a stored tensor into its place on the GPU. */
  #put(target: Target, pieceOffset: number, piece: Uint8Array): void {
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
      write(this.#scope?.gpu, tensor, start + before, convert(entry, bytes, stored, tensor.dtype));
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
    write(this.#scope?.gpu, tensor, start, padded);
  }
}
