// Matrices that a file holds in codes: several tensors of it that are one weight.

import { type BlockDtype, type Blocks, blocksOf, type Dtype } from '../../runtime/dtype.ts';
import type { PackedCodes } from '../../shaders/quantize/repack.ts';
import type { GgufCodes } from '../../shaders/quantize/unpack-gguf.ts';
import type { TensorEntry } from '../../source/safetensors.ts';
import { formatOf } from './weight-formats.ts';

/** What a checkpoint is taken to have: a matrix of (out, in) under the name that it would have unquantised. */
export interface PackedEntry extends TensorEntry {
  readonly packed: Packed;
  /** The same of another shape, where only the data of the file tells it; undefined for what it cannot be. */
  readonly reshaped?: (shape: readonly number[]) => PackedEntry | undefined;
}

export interface Packed {
  /** The format that holds it as it is. */
  readonly dtype: BlockDtype;
  readonly codes: PackedCodes | GgufCodes;
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
  /**
   * Looks at bytes of the codes, from byte `offset` on, where the scales are among them.
   * @throws TransformerError FILE_INVALID as of `share`
   */
  readonly check?: ((offset: number, piece: Uint8Array) => void) | undefined;
}

export interface Shared {
  /** s and b of each block, or s alone, row by row; none where they are among the codes. */
  readonly heads: Float32Array<ArrayBuffer>;
  /** The file's column that each column of the blocks is; the same when absent. */
  readonly order?: Uint32Array<ArrayBuffer>;
}

/** What an entry is packed of; undefined for plain ones. */
export function packedOf(entry: TensorEntry): Packed | undefined {
  return (entry as Partial<PackedEntry>).packed;
}

/** A stored tensor as what is called for, where its file does not tell the shape before it is read. */
export function asShaped(entry: TensorEntry, shape: readonly number[]): TensorEntry {
  return (entry as Partial<PackedEntry>).reshaped?.(shape) ?? entry;
}

/** Those of some tensors that are not wanted: by their names, as `asShaped` makes entries of its own. */
export function unusedOf(
  entries: ReadonlyMap<string, TensorEntry>,
  wanted: ReadonlyMap<TensorEntry, unknown>,
): TensorEntry[] {
  const used = new Set(Array.from(wanted.keys(), ({ name }) => name));
  return [...entries.values()].filter(({ name }) => !used.has(name));
}

/**
 * Whether blocks of a format hold codes of another one as they are: integers, of no more bits, in blocks that those of
 * the other one consist of.
 */
export function holds(dtype: Dtype, codes: Dtype): boolean {
  if (dtype === codes) return true;
  const [to, from] = [blocksOf(dtype), blocksOf(codes)];
  if (to === undefined || from === undefined || !isInteger(to) || !isInteger(from)) return false;
  const isExact = to.scales === 'f32' || from.scales === 'f16';
  return from.size % to.size === 0 && to.bits >= from.bits && isExact;
}

/** The format that holds several as they are. */
export function commonFormat(formats: readonly Dtype[]): Dtype {
  const [first = 'f32'] = formats;
  const sizes = formats.map((format) => blocksOf(format)?.size ?? 128);
  const size = Math.min(...sizes);
  const candidates = ['int4', 'int8'].flatMap((codes) =>
    (['f16', 'f32'] as const).map((scales) => `${codes}-${size}-${scales}` as BlockDtype),
  );
  const all: readonly Dtype[] = [first, ...candidates];
  return all.find((dtype) => formats.every((each) => holds(dtype, each))) ?? 'f32';
}

function isInteger({ codes }: Blocks): boolean {
  return codes === 'int4' || codes === 'int8';
}

/** The format that an entry is held in, unless the user asks for another. Errors as of `formatOf`. */
export function heldAs(entry: TensorEntry): Dtype {
  return packedOf(entry)?.dtype ?? formatOf(entry).name;
}
