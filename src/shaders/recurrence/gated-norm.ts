// A norm of heads that gates follow.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** The scalars there and back. */
export const gatedNormParams = {
  rows: 'u32',
  heads: 'u32',
  columns: 'u32',
  pitch: 'u32',
  column: 'u32',
  eps: 'f32',
} as const;

const forms = rowKernel({
  name: 'gated-norm',
  code: [workgroup, { file: 'gated-norm.wgsl', text: late(() => import('./gated-norm.wgsl?raw')) }],
  bindings: { x: 'read', z: 'read', weight: 'read', y: 'write' },
  params: gatedNormParams,
});

export const gatedNormKernels: readonly Kernel[] = allForms(forms);

export interface GatedNormOptions {
  /** (columns of a head) */
  readonly weight: Tensor;
  readonly eps: number;
  /** (B, T, …): a gate for each column of x, from a column on. */
  readonly gate: { readonly tensor: Tensor; readonly start: number };
}

export type GatedNormEntry = Traced<
  'gated-norm',
  {
    readonly x: Tensor;
    /** What holds the gates. */
    readonly z: Tensor;
    readonly weight: Tensor;
    readonly params: Scalars<typeof gatedNormParams>;
  }
>;

/** w · x / √(mean x² + eps) · silu(gate) of each head. x and result: (B, T, heads · columns). */
export function gatedNorm(x: Tensor, { weight, eps, gate }: GatedNormOptions): Tensor {
  const { recording } = x;
  const columns = weight.size(0);
  const y = recording.transient('gated norm', x.shape);
  const rows = elements(x.shape) / columns;
  const z = gate.tensor;
  const params = {
    rows,
    heads: x.size(-1) / columns,
    columns,
    pitch: z.size(-1),
    column: gate.start,
    eps,
  };
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows),
    bindings: { x, z, weight, y },
    params,
  });
  recording.differentiate({
    op: 'gated-norm',
    output: y,
    inputs: [x, z, weight],
    trace: { x, z, weight, params },
  } satisfies GatedNormEntry);
  return y;
}
