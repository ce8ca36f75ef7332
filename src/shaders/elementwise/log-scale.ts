// Scaling by a weight that stands for its exponential, and a bias: how likenesses become logits.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const scaleKernel = kernel({
  name: 'log-scale',
  code: [workgroup, { file: 'log-scale.wgsl', text: late(() => import('./log-scale.wgsl?raw')) }],
  bindings: { x: 'read', scale: 'read', bias: 'read', y: 'write' },
  params: { size: 'u32' },
  constants: { HAS_BIAS: [false, true] },
});

export const logScaleKernels: readonly Kernel[] = [scaleKernel];

export type LogScaleEntry = Traced<
  'log-scale',
  { readonly x: Tensor; readonly scale: Tensor; readonly bias: Tensor | undefined }
>;

/**
 * x · e^scale + bias. scale and bias: (1). "A log-parameterized multiplicative scalar", CLIP (Radford et al., 2021,
 * arXiv 2103.00020), §2.3; with a bias, SigLIP (Zhai et al., 2023, arXiv 2303.15343), §3.2.
 */
export function logScale(x: Tensor, scale: Tensor, bias?: Tensor): Tensor {
  const y = scaled(x, { scale, bias, label: 'logits' });
  x.recording.differentiate({
    op: 'log-scale',
    output: y,
    inputs: [x, scale, bias],
    trace: { x, scale, bias },
  } satisfies LogScaleEntry);
  return y;
}

interface LogScale {
  readonly scale: Tensor;
  readonly bias?: Tensor | undefined;
  readonly label: string;
}

/** The same, of gradients too. */
export function scaled(x: Tensor, { scale, bias, label }: LogScale): Tensor {
  const { recording } = x;
  const size = elements(x.shape);
  const y = recording.transient(label, x.shape);
  recording.dispatch({
    kernel: scaleKernel,
    bindings: { x, scale, bias, y },
    params: { size },
    constants: { HAS_BIAS: bias !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
