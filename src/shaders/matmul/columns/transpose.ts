// Transposes matrices, where a kernel of the matrix product cannot read them as they are.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import text from './transpose.wgsl?raw';

const transposeKernel = kernel({
  name: 'transpose',
  entry: 'transpose_all',
  code: [workgroup, { file: 'transpose.wgsl', text }],
  bindings: { x: 'read', y: 'write' },
  params: { batches: 'u32', rows: 'u32', columns: 'u32' },
});

export const transposeKernels: readonly Kernel[] = [transposeKernel];

/** xᵀ of each of the batches. x: batches · rows · columns elements. Result: (batches, columns, rows). */
export function transpose(
  x: Tensor,
  { batches, rows, columns }: { batches: number; rows: number; columns: number },
): Tensor {
  const y = x.recording.transient(`${x.label} transposed`, [batches, columns, rows]);
  x.recording.dispatch({
    kernel: transposeKernel,
    bindings: { x, y },
    params: { batches, rows, columns },
    workgroups: Math.ceil(elements(y.shape) / 64),
  });
  return y;
}
