// Weights that a file holds in codes, on their way into blocks, and from blocks into plain formats.

import { type BlockDtype, blocksOf } from '../../runtime/dtype.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import dequantizeText from './dequantize.wgsl?raw';
import { blockConstants, blockStore, constantsOf } from './quantize.ts';
import repackText from './repack.wgsl?raw';

/** How codes lie in the words of a file: see repack.wgsl. */
export interface PackedCodes {
  readonly layout: 'along' | 'across' | 'interleaved';
  /** Bits of a code. */
  readonly bits: 2 | 4 | 8;
  /** Codes from one row to the next, or from one column to the next. */
  readonly stride: number;
  /** Whether neighbours have changed places. */
  readonly swapped?: boolean;
  /** Whether codes are integers with a sign, of which 0 becomes 128. */
  readonly signed?: boolean;
}

const layouts = ['along', 'across', 'interleaved'] as const;

const repackKernel = kernel({
  name: 'repack',
  code: [workgroup, blockStore, { file: 'repack.wgsl', text: repackText }],
  bindings: {
    packed: 'read',
    shared_by: 'read',
    order: 'read',
    blocks: 'write',
  },
  params: {
    first: 'u32',
    count: 'u32',
    place: 'u32',
    columns: 'u32',
    stride: 'u32',
    row_blocks: 'u32',
    shared_size: 'u32',
  },
  constants: {
    ...blockConstants,
    LAYOUT: [0, 1, 2],
    PACKED: [2, 4, 8],
    SWAP: [0, 1],
    FLIP: [0, 128],
  },
});

const dequantizeKernel = kernel({
  name: 'dequantize',
  code: [workgroup, weightStorage, { file: 'dequantize.wgsl', text: dequantizeText }],
  bindings: { weight: 'read', place_of: 'read', plain: 'write' },
  params: { count: 'u32', place: 'u32', columns: 'u32', pitch: 'u32', plain_pitch: 'u32' },
  constants: { HALVES: [false, true] },
});

export const repackKernels: readonly Kernel[] = [repackKernel, dequantizeKernel];

/** Rows from `first` on, so many, which become rows of another tensor from `place` on. */
export interface RowMove {
  readonly first: number;
  readonly count: number;
  readonly place: number;
}

export interface RepackTensors {
  /** u32: the words of the file. */
  readonly packed: Tensor;
  /** f32: s and b of each block of the whole matrix, or s alone, as the format has it. */
  readonly shared: Tensor;
  /** u32 [columns]: which column of the file each one of `blocks` is. */
  readonly order: Tensor;
  readonly blocks: Tensor;
}

/** Has rows of a file's matrix brought into blocks. sharedSize: elements that share an s of `shared`. */
export function repack(
  recording: Recording,
  { packed, shared, order, blocks }: RepackTensors,
  { layout, bits, stride, swapped = false, signed = false }: PackedCodes,
  sharedSize: number,
  move: RowMove,
): void {
  const own = blocksOf(blocks.dtype as BlockDtype);
  const rowBlocks = blocks.pitch / own.size;
  recording.dispatch({
    kernel: repackKernel,
    bindings: { packed, shared_by: shared, order, blocks },
    params: {
      ...move,
      columns: blocks.size(-1),
      stride,
      row_blocks: rowBlocks,
      shared_size: sharedSize,
    },
    constants: {
      ...constantsOf(own),
      LAYOUT: layouts.indexOf(layout),
      PACKED: bits,
      SWAP: swapped ? 1 : 0,
      FLIP: signed ? 128 : 0,
    },
    workgroups: Math.ceil((move.count * rowBlocks) / 64),
  });
}

/**
 * Has the first `count` rows of blocks written as plain numbers, f32 or f16, from row `place` of `plain` on.
 * placeOf: u32 [columns], the column of the blocks that each one of `plain` is.
 */
export function dequantize(
  recording: Recording,
  { blocks, placeOf, plain }: { blocks: Tensor; placeOf: Tensor; plain: Tensor },
  { count, place }: Omit<RowMove, 'first'>,
): void {
  const isHalf = plain.dtype === 'f16';
  recording.dispatch({
    kernel: dequantizeKernel,
    bindings: { weight: blocks, place_of: placeOf, plain },
    params: {
      count,
      place,
      columns: plain.size(-1),
      pitch: blocks.pitch,
      plain_pitch: plain.pitch,
    },
    constants: { HALVES: isHalf },
    workgroups: Math.ceil((count * plain.pitch) / (isHalf ? 2 : 1) / 64),
  });
}
