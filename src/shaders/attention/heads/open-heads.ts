// Gates behind attention.

import { TransformerError } from '../../../runtime/errors.ts';
import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { late, workgroup } from '../../snippets.ts';
import type { Traced } from '../../traces.ts';

const openHeadsKernel = kernel({
  name: 'open-heads',
  code: [workgroup, { file: 'open-heads.wgsl', text: late(() => import('./open-heads.wgsl?raw')) }],
  bindings: { x: 'read', gate: 'read', y: 'write' },
  params: { size: 'u32', share: 'u32' },
});

export const openHeadsKernels: readonly Kernel[] = [openHeadsKernel];

export type OpenHeadsEntry = Traced<'open-heads', { readonly x: Tensor; readonly gate: Tensor }>;

/**
 * x · sigmoid(gate). x and result: (B, T, columns). gate: (B, T, gates), each for as many columns side by side.
 * @throws TransformerError TENSOR_MISMATCH when these do not go evenly
 */
export function openHeads(x: Tensor, gate: Tensor): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const share = columns / gate.size(-1);
  if (share % 1 !== 0 || elements(gate.shape) * share !== elements(x.shape)) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `openHeads: ${gate.describe()} has no gate for each column, or each head, of ${x.describe()}.`,
    );
  }
  const y = recording.transient('attention, gated', x.shape);
  const size = elements(x.shape);
  recording.dispatch({
    kernel: openHeadsKernel,
    bindings: { x, gate, y },
    params: { size, share },
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({
    op: 'open-heads',
    output: y,
    inputs: [x, gate],
    trace: { x, gate },
  } satisfies OpenHeadsEntry);
  return y;
}
