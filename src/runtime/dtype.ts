// Storage formats on the GPU: how many elements lie together, and the bytes these take.

/** Formats in which every element is a number of its own. */
export type PlainDtype = 'f32' | 'u32' | 'f16' | 'bf16';

/** What the codes of a block say: numbers of so many bits, or places in a table of 16. */
export type Codes = 'int4' | 'int8' | 'fp8' | 'nf4' | 'fp4' | 'mxfp4';

/** Elements of a block. */
export type BlockSize = 16 | 32 | 64 | 128;

/**
 * Formats in which the elements of a block share numbers: w = s·q + b of integers, with s and b in f16 or
 * f32; w = s·q of the others, with s in f32.
 */
export type BlockDtype =
  | `${'int4' | 'int8'}-${BlockSize}-${'f16' | 'f32'}`
  | `${'fp8' | 'nf4' | 'fp4' | 'mxfp4'}-${BlockSize}`;

export type Dtype = PlainDtype | BlockDtype;

/**
 * How a tensor in blocks lies in its buffer: first the codes of all blocks, then what each block's elements
 * share, and words up to a multiple of 16 bytes. A block lies along a row; rows are whole blocks long.
 */
export interface Blocks {
  readonly codes: Codes;
  /** Bits of a code. The first of a word is its lowest. */
  readonly bits: 4 | 8;
  /** Elements of a block. */
  readonly size: BlockSize;
  /** Words of a block's codes, and of what its elements share. */
  readonly codeWords: number;
  readonly headWords: 1 | 2;
  /** What s and b are. */
  readonly scales: 'f16' | 'f32';
}

const plain: Readonly<Record<PlainDtype, { readonly elements: number; readonly bytes: number }>> = {
  f32: { elements: 1, bytes: 4 },
  u32: { elements: 1, bytes: 4 },
  f16: { elements: 2, bytes: 4 },
  bf16: { elements: 2, bytes: 4 },
};

const sizes: readonly BlockSize[] = [16, 32, 64, 128];
const integers = ['int4', 'int8'] as const;
const others = ['fp8', 'nf4', 'fp4', 'mxfp4'] as const;

const blocks: ReadonlyMap<string, Blocks> = new Map(
  sizes.flatMap((size) => [
    ...integers.flatMap((codes) =>
      (['f16', 'f32'] as const).map((scales): [BlockDtype, Blocks] => [
        `${codes}-${size}-${scales}`,
        blocksOfCodes(codes, size, scales, scales === 'f16' ? 1 : 2),
      ]),
    ),
    ...others.map((codes): [BlockDtype, Blocks] => [
      `${codes}-${size}`,
      blocksOfCodes(codes, size, 'f32', 1),
    ]),
  ]),
);

function blocksOfCodes(
  codes: Codes,
  size: BlockSize,
  scales: 'f16' | 'f32',
  headWords: 1 | 2,
): Blocks {
  const bits = codes === 'int8' || codes === 'fp8' ? 8 : 4;
  return { codes, bits, size, codeWords: (size * bits) / 32, headWords, scales };
}

/** Every format in blocks. */
export const blockDtypes: readonly BlockDtype[] = [...blocks.keys()] as BlockDtype[];

/** The blocks of a format; undefined where each element is a number of its own. */
export function blocksOf(dtype: BlockDtype): Blocks;
export function blocksOf(dtype: Dtype): Blocks | undefined;
export function blocksOf(dtype: Dtype): Blocks | undefined {
  return blocks.get(dtype);
}

/** Elements that lie together, and their bytes. */
function unitOf(dtype: Dtype): { readonly elements: number; readonly bytes: number } {
  const own = blocksOf(dtype);
  if (own === undefined) return plain[dtype as PlainDtype];
  return { elements: own.size, bytes: 4 * (own.codeWords + own.headWords) };
}

/** Bytes of so many elements, in whole words. */
export function bytesOf(dtype: Dtype, count: number): number {
  const { elements, bytes } = unitOf(dtype);
  return Math.ceil(count / elements) * bytes;
}

/** Elements from one row of a weight to the next: packed ones are padded, so that four are read at once. */
export function pitchOf(dtype: Dtype, columns: number): number {
  const { elements } = unitOf(dtype);
  const unit = elements === 1 ? 1 : Math.max(4, elements);
  return Math.ceil(columns / unit) * unit;
}

/** Whether rows are padded to whole units, the last one as well. */
export function isPacked(dtype: Dtype): boolean {
  return unitOf(dtype).elements > 1;
}
