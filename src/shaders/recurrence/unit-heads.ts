// Queries and keys of unit length, for the delta rule.

import type { Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, workgroup } from '../snippets.ts';

/** The scalars there and back. */
export const unitParams = {
  rows: 'u32',
  heads: 'u32',
  head_size: 'u32',
  pitch: 'u32',
  eps: 'f32',
  scale: 'f32',
} as const;

const forms = rowKernel({
  name: 'unit-heads',
  code: [workgroup, { file: 'unit-heads.wgsl', text: late(() => import('./unit-heads.wgsl?raw')) }],
  bindings: { x: 'read', y: 'write' },
  params: unitParams,
});

export const unitHeadsKernels: readonly Kernel[] = allForms(forms);

/** Added to the squares of queries and keys. */
export const unitEps = 1e-6;

/**
 * x / √(Σ x² + 10⁻⁶) of each head; queries are divided by √size besides. x: (B, T, …), of which the first columns are
 * `heads` queries of `size`, then as many keys. Result: (B, T, 2 · heads · size).
 */
export function unitHeads(
  x: Tensor,
  { heads, size }: { readonly heads: number; readonly size: number },
): Tensor {
  const { recording } = x;
  const y = recording.transient('queries and keys', [x.size(0), x.size(1), 2 * heads * size]);
  const rows = x.size(0) * x.size(1) * 2 * heads;
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows),
    bindings: { x, y },
    params: { rows, heads, head_size: size, pitch: x.size(-1), eps: unitEps, scale: size ** -0.5 },
  });
  return y;
}
