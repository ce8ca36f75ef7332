// The gradient of bounded weights.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import type { ClampEntry } from './clamp.ts';
import text from './clamp-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'clamp-backward',
  code: [workgroup, { file: 'clamp-backward.wgsl', text }],
  bindings: { x: 'read', dy: 'read', dx: 'write' },
  params: { size: 'u32', limit: 'f32' },
});

export const clampBackwardKernels: readonly Kernel[] = [backwardKernel];

/** dy, or 0 of what was beyond the bounds, where that has no gradient. */
export const clampBackward: Rule<ClampEntry> = ({ trace: { x, limit, gradient } }, dy) => [
  [x, () => (gradient === 'all' ? dy : inside(x, dy, limit))],
];

function inside(x: Tensor, dy: Tensor, limit: number): Tensor {
  const dx = dy.recording.transient(`d ${x.label}`, dy.shape);
  const size = elements(dy.shape);
  dy.recording.dispatch({
    kernel: backwardKernel,
    bindings: { x, dy, dx },
    params: { size, limit },
    workgroups: Math.ceil(size / 64),
  });
  return dx;
}
