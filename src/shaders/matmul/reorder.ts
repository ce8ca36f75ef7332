// Columns in the order in which a weight has them.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { forRows, rowsOf, transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const reorderKernel = kernel({
  name: 'reorder',
  code: [workgroup, { file: 'reorder.wgsl', text: late(() => import('./reorder.wgsl?raw')) }],
  bindings: { x: 'read', order: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32' },
});

export const reorderKernels: readonly Kernel[] = [reorderKernel];

/** Rows whose elements are those of x that `order` names, u32 (columns). Inference only. */
export function reorder(x: Tensor, order: Tensor): Tensor {
  const y = transientLike(x, { label: `${x.label}, reordered` });
  forRows(x, (part, rows) => {
    const [count, columns] = [rowsOf(part), part.size(-1)];
    x.recording.dispatch({
      kernel: reorderKernel,
      bindings: { x: part, order, y: rows(y) },
      params: { rows: count, columns, pitch: part.pitch },
      workgroups: Math.ceil((count * columns) / 64),
    });
  });
  return y;
}
