// Blocks of GGUF files on their way into ours.

import { type BlockDtype, blocksOf } from '../../runtime/dtype.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import { blockStore, constantsOf } from './quantize.ts';
import type { RowMove } from './repack.ts';
import text from './unpack-gguf.wgsl?raw';

/** The types of blocks, by their numbers in ggml. */
const types = {
  q4_0: 2,
  q4_1: 3,
  q5_0: 6,
  q5_1: 7,
  q8_0: 8,
  q2_k: 10,
  q3_k: 11,
  q4_k: 12,
  q5_k: 13,
  q6_k: 14,
} as const;

export type GgufName = keyof typeof types;

/** Codes that lie in blocks of GGUF, with their scales. */
export interface GgufCodes {
  readonly layout: 'gguf';
  readonly type: GgufName;
  /** Elements of a block of the file, and its bytes. */
  readonly elements: number;
  readonly bytes: number;
}

const unpackKernel = kernel({
  name: 'unpack-gguf',
  code: [workgroup, blockStore, { file: 'unpack-gguf.wgsl', text }],
  bindings: { packed: 'read', blocks: 'write' },
  params: {
    first: 'u32',
    count: 'u32',
    place: 'u32',
    row_blocks: 'u32',
    elements: 'u32',
    bytes: 'u32',
  },
  constants: {
    SIZE: [16, 32],
    BITS: [4, 8],
    HEAD: [0, 2],
    TYPE: Object.values(types),
  },
});

export const unpackKernels: readonly Kernel[] = [unpackKernel];

/**
 * Has rows of a file's matrix brought into blocks of integers that hold them as they are. packed: u32, the bytes of
 * the file.
 */
export function unpackGguf(
  recording: Recording,
  { packed, blocks }: { readonly packed: Tensor; readonly blocks: Tensor },
  { type, elements, bytes }: GgufCodes,
  move: RowMove,
): void {
  const own = blocksOf(blocks.dtype as BlockDtype);
  const rowBlocks = blocks.pitch / own.size;
  recording.dispatch({
    kernel: unpackKernel,
    bindings: { packed, blocks },
    params: { ...move, row_blocks: rowBlocks, elements, bytes },
    constants: { ...constantsOf(own), TYPE: types[type] },
    workgroups: Math.ceil((move.count * rowBlocks) / 64),
  });
}
