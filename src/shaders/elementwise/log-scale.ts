// Scaling by a weight that stands for its exponential, and a bias: how likenesses become logits.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const scaleKernel = kernel({
  name: 'log-scale',
  code: [workgroup, { file: 'log-scale.wgsl', text: late(() => import('./log-scale.wgsl?raw')) }],
  bindings: { x: 'read', scale: 'read', bias: 'read', y: 'write' },
  params: { size: 'u32' },
  constants: { HAS_BIAS: [false, true] },
});

export const logScaleKernels: readonly Kernel[] = [scaleKernel];

/**
 * x · e^scale + bias. scale and bias: (1). "A log-parameterized multiplicative scalar", CLIP (Radford et al., 2021,
 * arXiv 2103.00020), §2.3; with a bias, SigLIP (Zhai et al., 2023, arXiv 2303.15343), §3.2.
 */
export function logScale(x: Tensor, scale: Tensor, bias?: Tensor): Tensor {
  const { recording } = x;
  const size = elements(x.shape);
  const y = recording.transient('logits', x.shape);
  recording.dispatch({
    kernel: scaleKernel,
    bindings: { x, scale, bias, y },
    params: { size },
    constants: { HAS_BIAS: bias !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
