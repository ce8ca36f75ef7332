// What a method of quantization is to those who read its files.

import type { BlockDtype, BlockSize } from '../../../runtime/dtype.ts';
import { TransformerError } from '../../../runtime/errors.ts';
import type { PackedCodes } from '../../../shaders/quantize/repack.ts';
import type { GgufCodes } from '../../../shaders/quantize/unpack-gguf.ts';
import type { StoredDtype, TensorEntry } from '../../../source/safetensors.ts';
import type { Config } from '../../config.ts';
import type { Packed, Shared } from '../packed-entry.ts';
import { numbersIn } from '../weight-formats.ts';

export interface Method {
  /** How people call it. */
  readonly name: string;
  /**
   * Reads its settings in config.json.
   * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID
   */
  readonly read: (settings: Config) => Layout;
}

/** How a method, with the settings of a checkpoint, lays out the weights of a module. */
export interface Layout {
  /** Ends of the names of its tensors; `.weight` counts only beside another one. */
  readonly ends: readonly string[];
  /** The same of tensors that no weight needs. */
  readonly ignored?: readonly string[];
  /** @throws TransformerError FILE_INVALID, MODEL_UNSUPPORTED */
  readonly matrixOf: (module: StoredModule) => StoredMatrix;
}

/** The tensors of a module. */
export interface StoredModule {
  readonly name: string;
  /** The tensor whose name ends so. */
  readonly get: (end: string) => TensorEntry | undefined;
  /** The same of one that must be there, of these types. @throws TransformerError FILE_INVALID */
  readonly need: (end: string, ...dtypes: readonly StoredDtype[]) => TensorEntry;
}

/** A matrix of (rows, columns), each row an output. */
export interface StoredMatrix {
  /** What it would be called unquantised; the weight of its module when absent. */
  readonly name?: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: BlockDtype;
  readonly code: TensorEntry;
  readonly codes: PackedCodes | GgufCodes;
  readonly isOrdered?: boolean;
  /** The same of another shape, where only the data of the file tells; undefined for what it cannot be. */
  readonly reshaped?: (shape: readonly number[]) => StoredMatrix | undefined;
  readonly share: (values: StoredValues) => Shared;
  readonly check?: Packed['check'];
}

/** What the tensors of a module hold, by what their names end with. */
export interface StoredValues {
  readonly bytes: (end: string) => Uint8Array<ArrayBuffer>;
  /** The same as words. */
  readonly words: (end: string) => Uint32Array<ArrayBuffer>;
  /** The same as numbers, of a tensor in F32, F16 or BF16. */
  readonly numbers: (end: string) => Float32Array;
}

export const floatTypes: readonly StoredDtype[] = ['F16', 'BF16', 'F32'];

/** The error of a file whose tensors do not fit together. */
export function invalid(what: string): TransformerError {
  return new TransformerError(
    'FILE_INVALID',
    `${what} Download the file again, or quantize the model again.`,
  );
}

/** Refuses a tensor of another shape. `why`: what calls for it. */
export function expectShape(
  { name, shape }: TensorEntry,
  wanted: readonly number[],
  why: string,
): void {
  if (shape.join() === wanted.join()) return;
  throw invalid(
    `Tensor "${name}" has shape (${shape.join(', ')}), but ${why} calls for (${wanted.join(', ')}).`,
  );
}

/** The sides of a matrix. @throws TransformerError FILE_INVALID */
export function sidesOf({ name, shape }: TensorEntry): readonly [rows: number, columns: number] {
  const [rows = 0, columns = 0, ...more] = shape;
  if (more.length === 0 && rows > 0 && columns > 0) return [rows, columns];
  throw invalid(`Tensor "${name}" has shape (${shape.join(', ')}); wanted a matrix.`);
}

/**
 * Columns that share a scale, as a field says; undefined for whole rows.
 * @throws TransformerError MODEL_UNSUPPORTED, CONFIG_INVALID
 */
export function groupSize(settings: Config, field: string = 'group_size'): number | undefined {
  if ((settings.get(field) ?? -1) === -1) return undefined;
  const size = settings.integer(field);
  return size % 16 === 0 ? size : settings.refuse(field, 'a multiple of 16, or -1');
}

/** The largest size of blocks that groups consist of. */
export function blockSize(group: number | undefined, columns: number): BlockSize {
  const sizes: readonly BlockSize[] = [128, 64, 32, 16];
  const whole = sizes.find((size) => (group ?? columns) % size === 0);
  return whole ?? 32;
}

/** What `heads` is made of. */
export interface Heads {
  readonly rows: number;
  readonly columns: number;
  readonly block: BlockSize;
  /** Columns that share a scale; all of a row when undefined. */
  readonly group: number | undefined;
  /** The tensor that scales come from, for messages. */
  readonly scales: TensorEntry;
  readonly scale: (row: number, group: number) => number;
  /** b of a group, for blocks that have one. */
  readonly offset?: (row: number, group: number, scale: number) => number;
  /** Whether a group may be all zeros. */
  readonly mayBeZero?: boolean;
}

/** What each block shares, from what each group does. @throws TransformerError FILE_INVALID */
export function headsOf(options: Heads): Float32Array<ArrayBuffer> {
  const { rows, columns, block, group = columns, scale, offset, mayBeZero = false } = options;
  const rowBlocks = Math.ceil(columns / block);
  const words = offset === undefined ? 1 : 2;
  const heads = new Float32Array(rows * rowBlocks * words);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < rowBlocks; i++) {
      const index = Math.floor((i * block) / group);
      const s = scale(row, index);
      if (!Number.isFinite(s) || (s === 0 && !mayBeZero)) throw noScale(options.scales, s);
      heads[at++] = s;
      if (offset === undefined) continue;
      const b = offset(row, index, s);
      if (!Number.isFinite(b)) throw noScale(options.scales, b);
      heads[at++] = b;
    }
  }
  return heads;
}

function noScale({ name }: TensorEntry, value: number): TransformerError {
  const what = Number.isNaN(value) ? 'that is no number' : `of ${value}`;
  return invalid(`Tensor "${name}" holds a scale ${what}, which weights cannot have.`);
}

/**
 * The columns, those of each group together, from the group of each.
 * @throws TransformerError FILE_INVALID where groups are not of one size
 */
export function orderOf(
  { name, dtype }: TensorEntry,
  words: Uint32Array,
  sizes: { columns: number; groups: number; group: number | undefined },
): Uint32Array<ArrayBuffer> {
  const { columns, groups, group = columns } = sizes;
  const order = new Uint32Array(columns);
  const counts = new Uint32Array(groups);
  for (let column = 0; column < columns; column++) {
    const g = words[dtype === 'I64' ? 2 * column : column] ?? groups;
    const count = counts[g] ?? group;
    if (g * group + count >= Math.min(columns, (g + 1) * group)) {
      throw invalid(
        `Tensor "${name}" does not share ${columns} columns out among ${groups} groups of ${group}.`,
      );
    }
    order[g * group + count] = column;
    counts[g] = count + 1;
  }
  return order;
}

/** What tensors hold, from their bytes. */
export function valuesIn(
  entries: ReadonlyMap<string, TensorEntry>,
  bytesOf: (end: string) => Uint8Array,
): StoredValues {
  const bytes = (end: string): Uint8Array<ArrayBuffer> => new Uint8Array(bytesOf(end));
  const entryOf = (end: string): TensorEntry => {
    const entry = entries.get(end);
    if (entry === undefined) throw new RangeError(`${end} was not declared`);
    return entry;
  };
  return {
    bytes,
    words: (end) => new Uint32Array(bytes(end).buffer),
    numbers: (end) => numbersIn(entryOf(end), bytes(end)),
  };
}
