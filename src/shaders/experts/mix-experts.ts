// What the experts of a token give together.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';
import type { Routes } from './route.ts';

const mixKernel = kernel({
  name: 'mix-experts',
  code: [
    workgroup,
    { file: 'mix-experts.wgsl', text: late(() => import('./mix-experts.wgsl?raw')) },
  ],
  bindings: { x: 'read', shares: 'read', residual: 'read', y: 'write' },
  params: { rows: 'u32', chosen: 'u32', columns: 'u32' },
  constants: { HAS_SHARES: [false, true], HAS_RESIDUAL: [false, true] },
});

export const mixExpertsKernels: readonly Kernel[] = [mixKernel];

export type MixExpertsEntry = Traced<
  'mix-experts',
  { readonly x: Tensor; readonly shares: Tensor; readonly residual: Tensor | undefined }
>;

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
    constants: { HAS_SHARES: true, HAS_RESIDUAL: residual !== undefined },
    workgroups: Math.ceil(elements(y.shape) / 64),
  });
  recording.differentiate({
    op: 'mix-experts',
    output: y,
    inputs: [x, shares, residual],
    trace: { x, shares, residual },
  } satisfies MixExpertsEntry);
  return y;
}

/** The sum of the choices of each token, all for the same. x: (choices, columns). Result: (…, columns) as `shape` says. */
export function sumChoices(x: Tensor, label: string, shape: readonly number[]): Tensor {
  const { recording } = x;
  const [choices, columns] = [x.size(0), x.size(1)];
  const y = recording.transient(label, shape);
  const rows = elements(shape) / columns;
  recording.dispatch({
    kernel: mixKernel,
    bindings: { x, shares: undefined, residual: undefined, y },
    params: { rows, chosen: choices / rows, columns },
    constants: { HAS_SHARES: false, HAS_RESIDUAL: false },
    workgroups: Math.ceil(elements(shape) / 64),
  });
  return y;
}
