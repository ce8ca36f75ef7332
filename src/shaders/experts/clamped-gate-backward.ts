// The gradient of the gate of gpt-oss.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './clamped-gate-backward.wgsl?raw';
import type { ClampedGateEntry } from './clamped-gate.ts';

const backwardKernel = kernel({
  name: 'clamped-gate-backward',
  code: [workgroup, { file: 'clamped-gate-backward.wgsl', text }],
  bindings: { x: 'read', dy: 'read', dx: 'write' },
  params: { size: 'u32', alpha: 'f32', limit: 'f32' },
});

export const clampedGateBackwardKernels: readonly Kernel[] = [backwardKernel];

export const clampedGateBackward: Rule<ClampedGateEntry> = ({ trace: { x, gate } }, dy) => {
  const dxOf = (): Tensor => {
    const dx = dy.recording.transient(`d ${x.label}`, x.shape);
    const size = elements(dy.shape);
    dy.recording.dispatch({
      kernel: backwardKernel,
      bindings: { x, dy, dx },
      params: { size, ...gate },
      workgroups: Math.ceil(size / 64),
    });
    return dx;
  };
  return [[x, dxOf]];
};
