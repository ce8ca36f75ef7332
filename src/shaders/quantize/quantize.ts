// Weights on their way into blocks.

import { type BlockDtype, type Blocks, blocksOf } from '../../runtime/dtype.ts';
import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import { weightStorage } from '../storage.ts';
import blockStoreText from './block-store.wgsl?raw';
import text from './quantize.wgsl?raw';

/** Writes the tensor bound as `blocks`, whose format the constants name. */
export const blockStore: Snippet = { file: 'block-store.wgsl', text: blockStoreText };

/** Samples of what kernels that write blocks are compiled for. */
export const blockConstants = { SIZE: [32, 64], BITS: [4, 8], HEAD: [0, 1, 2] } as const;

/** The switches of a kernel that writes a format. */
export function constantsOf({ size, bits, headWords, scales }: Blocks): {
  SIZE: number;
  BITS: number;
  HEAD: number;
} {
  return { SIZE: size, BITS: bits, HEAD: scales === 'f16' ? 0 : headWords };
}

const quantizeKernel = kernel({
  name: 'quantize',
  code: [workgroup, weightStorage, blockStore, { file: 'quantize.wgsl', text }],
  bindings: { weight: 'read', place: 'read', blocks: 'write' },
  params: { columns: 'u32', pitch: 'u32', row_blocks: 'u32' },
  constants: blockConstants,
});

export const quantizeKernels: readonly Kernel[] = [quantizeKernel];

/**
 * Has rows brought into blocks of integers. rows: (most rows at once, columns), plain. place: u32 [2], the row
 * of `blocks` that the first one becomes, and how many there are.
 */
export function quantize(
  recording: Recording,
  { rows, place, blocks }: { rows: Tensor; place: Tensor; blocks: Tensor },
): void {
  const own = blocksOf(blocks.dtype as BlockDtype);
  const rowBlocks = blocks.pitch / own.size;
  recording.dispatch({
    kernel: quantizeKernel,
    bindings: { weight: rows, place, blocks },
    params: { columns: rows.size(-1), pitch: rows.pitch, row_blocks: rowBlocks },
    constants: constantsOf(own),
    workgroups: Math.ceil((rows.size(0) * rowBlocks) / 64),
  });
}
