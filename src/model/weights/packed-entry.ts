// Matrices that a file holds in codes: several tensors of it that are one weight.

import type { BlockDtype, Dtype } from '../../runtime/dtype.ts';
import type { PackedCodes } from '../../shaders/quantize/repack.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import { formatOf } from './weight-formats.ts';

/** What a checkpoint is taken to have: a matrix of (out, in) under the name that it would have unquantised. */
export interface PackedEntry extends TensorEntry {
  readonly packed: Packed;
}

export interface Packed {
  /** The format that holds it as it is. */
  readonly dtype: BlockDtype;
  readonly codes: PackedCodes;
  /** The tensor of the codes, and those that go with it by what their names end with. */
  readonly code: TensorEntry;
  readonly others: ReadonlyMap<string, TensorEntry>;
  /** Whether columns that share a scale lie apart: blocks then have them in another order. */
  readonly isOrdered: boolean;
  /**
   * What the blocks share, from the bytes of the others.
   * @throws TransformerError FILE_INVALID for numbers that make no sense
   */
  readonly share: (bytesOf: (end: string) => Uint8Array) => Shared;
}

export interface Shared {
  /** s and b of each block, or s alone, row by row. */
  readonly heads: Float32Array<ArrayBuffer>;
  /** The file's column that each column of the blocks is; the same when absent. */
  readonly order?: Uint32Array<ArrayBuffer>;
}

/** What an entry is packed of; undefined for plain ones. */
export function packedOf(entry: TensorEntry): Packed | undefined {
  return (entry as Partial<PackedEntry>).packed;
}

/** The format that an entry is held in, unless the user asks for another. Errors as of `formatOf`. */
export function heldAs(entry: TensorEntry): Dtype {
  return packedOf(entry)?.dtype ?? formatOf(entry).name;
}
