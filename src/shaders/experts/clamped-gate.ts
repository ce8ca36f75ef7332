// The gate of gpt-oss: SwiGLU with bounds (arXiv 2508.10925, §2.1).

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const gateKernel = kernel({
  name: 'clamped-gate',
  code: [
    workgroup,
    { file: 'clamped-gate.wgsl', text: late(() => import('./clamped-gate.wgsl?raw')) },
  ],
  bindings: { x: 'read', y: 'write' },
  params: { size: 'u32', alpha: 'f32', limit: 'f32' },
});

export const clampedGateKernels: readonly Kernel[] = [gateKernel];

/** `alpha`: factor of the gate within its sigmoid; `limit`: of the gate, above, and of the value, both ways. */
export interface ClampedGate {
  readonly alpha: number;
  readonly limit: number;
}

/** (u + 1) · g · σ(α · g) of bounded g and u, which come by turns. x: (…, 2 · columns), result: (…, columns). */
export function clampedGate(x: Tensor, { alpha, limit }: ClampedGate): Tensor {
  const { recording } = x;
  const y = recording.transient('clamped gate', [...x.shape.slice(0, -1), x.size(-1) / 2]);
  const size = elements(y.shape);
  recording.dispatch({
    kernel: gateKernel,
    bindings: { x, y },
    params: { size, alpha, limit },
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({ op: 'clamped-gate', output: y, inputs: [x] });
  return y;
}
