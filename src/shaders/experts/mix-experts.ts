// What the experts of a token give together.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Routes } from './route.ts';

const mixKernel = kernel({
  name: 'mix-experts',
  code: [
    workgroup,
    { file: 'mix-experts.wgsl', text: late(() => import('./mix-experts.wgsl?raw')) },
  ],
  bindings: { x: 'read', shares: 'read', residual: 'read', y: 'write' },
  params: { rows: 'u32', chosen: 'u32', columns: 'u32' },
  constants: { HAS_RESIDUAL: [false, true] },
});

export const mixExpertsKernels: readonly Kernel[] = [mixKernel];

/** Σ share · x over the choices of each token, + residual. x: (choices, columns). Result: (…, columns) as `shape` says. */
export function mixExperts(
  x: Tensor,
  { shares }: Routes,
  shape: readonly number[],
  residual?: Tensor,
): Tensor {
  const { recording } = x;
  const [rows, chosen, columns] = [shares.size(0), shares.size(1), x.size(-1)];
  const y = recording.transient('mixture of experts', shape);
  recording.dispatch({
    kernel: mixKernel,
    bindings: { x, shares, residual, y },
    params: { rows, chosen, columns },
    constants: { HAS_RESIDUAL: residual !== undefined },
    workgroups: Math.ceil(elements(y.shape) / 64),
  });
  recording.differentiate({ op: 'mix-experts', output: y, inputs: [x, shares, residual] });
  return y;
}
