// The loss of pairs, each judged by itself.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const sigmoidLossParams = { size: 'u32', columns: 'u32' } as const;

const lossKernel = kernel({
  name: 'sigmoid-loss',
  code: [
    workgroup,
    { file: 'sigmoid-loss.wgsl', text: late(() => import('./sigmoid-loss.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: sigmoidLossParams,
});

export const sigmoidLossKernels: readonly Kernel[] = [lossKernel];

export type SigmoidLossEntry = Traced<
  'sigmoid-loss',
  { readonly x: Tensor; readonly params: Scalars<typeof sigmoidLossParams> }
>;

/**
 * -log sigmoid(±x) of each pair, + on the diagonal, whose pairs belong together: "Sigmoid Loss for Language Image
 * Pre-Training" (Zhai et al., 2023, arXiv 2303.15343), §3.2. x and result: (N, N).
 */
export function sigmoidLoss(x: Tensor): Tensor {
  const y = x.recording.transient('losses of pairs', x.shape);
  const params = { size: elements(x.shape), columns: x.size(-1) };
  x.recording.dispatch({
    kernel: lossKernel,
    bindings: { x, y },
    params,
    workgroups: Math.ceil(params.size / 64),
  });
  x.recording.differentiate({
    op: 'sigmoid-loss',
    output: y,
    inputs: [x],
    trace: { x, params },
  } satisfies SigmoidLossEntry);
  return y;
}
