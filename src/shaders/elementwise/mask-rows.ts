// Rows that count.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const maskRowsKernel = kernel({
  name: 'mask-rows',
  code: [workgroup, { file: 'mask-rows.wgsl', text: late(() => import('./mask-rows.wgsl?raw')) }],
  bindings: { x: 'read', mask: 'read', y: 'write' },
  params: { size: 'u32', columns: 'u32' },
});

export const maskRowsKernels: readonly Kernel[] = [maskRowsKernel];

export type MaskRowsEntry = Traced<'mask-rows', { readonly x: Tensor; readonly mask: Tensor }>;

/** x, (…, columns), with zeros where its mask, u32 (…), has 0. */
export function maskRows(x: Tensor, mask: Tensor): Tensor {
  const y = masked(x, mask, `${x.label}, masked`);
  x.recording.differentiate({
    op: 'mask-rows',
    output: y,
    inputs: [x],
    trace: { x, mask },
  } satisfies MaskRowsEntry);
  return y;
}

/** The same, of gradients too. */
export function masked(x: Tensor, mask: Tensor, label: string): Tensor {
  const size = elements(x.shape);
  const y = x.recording.transient(label, x.shape);
  x.recording.dispatch({
    kernel: maskRowsKernel,
    bindings: { x, mask, y },
    params: { size, columns: x.size(-1) },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
