// The gate of gpt-oss: SwiGLU with bounds (arXiv 2508.10925, §2.1).

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

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

export type ClampedGateEntry = Traced<
  'clamped-gate',
  { readonly x: Tensor; readonly gate: ClampedGate }
>;

/** (u + 1) · g · σ(α · g) of bounded g and u, which come by turns. x: (…, 2 · columns), result: (…, columns). */
export function clampedGate(x: Tensor, gate: ClampedGate): Tensor {
  const { alpha, limit } = gate;
  const { recording } = x;
  const y = recording.transient('clamped gate', [...x.shape.slice(0, -1), x.size(-1) / 2]);
  const size = elements(y.shape);
  recording.dispatch({
    kernel: gateKernel,
    bindings: { x, y },
    params: { size, alpha, limit },
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({
    op: 'clamped-gate',
    output: y,
    inputs: [x],
    trace: { x, gate },
  } satisfies ClampedGateEntry);
  return y;
}
