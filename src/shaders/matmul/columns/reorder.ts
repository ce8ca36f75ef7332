// Columns in the order in which a weight has them, and back.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { forRows, rowsOf, transientLike } from '../../../runtime/parts.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import { late, workgroup } from '../../snippets.ts';
import type { Traced } from '../../traces.ts';

const reorderKernel = kernel({
  name: 'reorder',
  code: [workgroup, { file: 'reorder.wgsl', text: late(() => import('./reorder.wgsl?raw')) }],
  bindings: { x: 'read', order: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32' },
  constants: { BACK: [false, true] },
});

export const reorderKernels: readonly Kernel[] = [reorderKernel];

export type ReorderEntry = Traced<'reorder', { readonly x: Tensor; readonly order: Tensor }>;

/** Rows whose elements are those of x that `order` names, u32 (columns): each once. */
export function reorder(x: Tensor, order: Tensor): Tensor {
  const y = moved(x, order, false);
  x.recording.differentiate({
    op: 'reorder',
    output: y,
    inputs: [x],
    trace: { x, order },
  } satisfies ReorderEntry);
  return y;
}

/** Rows whose elements stand where `reorder` took them from. */
export function reorderBack(y: Tensor, order: Tensor): Tensor {
  return moved(y, order, true);
}

function moved(x: Tensor, order: Tensor, BACK: boolean): Tensor {
  const y = transientLike(x, { label: `${x.label}, reordered` });
  forRows(x, (part, rows) => {
    const [count, columns] = [rowsOf(part), part.size(-1)];
    x.recording.dispatch({
      kernel: reorderKernel,
      bindings: { x: part, order, y: rows(y) },
      params: { rows: count, columns, pitch: part.pitch },
      constants: { BACK },
      workgroups: Math.ceil((count * columns) / 64),
    });
  });
  return y;
}
