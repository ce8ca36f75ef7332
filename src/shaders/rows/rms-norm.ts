// Root mean square normalization with fused residual.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { formOfWidth, inBothWidths, widthOf } from '../elementwise/element-kernel.ts';
import text from './rms-norm.wgsl?raw';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const forms = inBothWidths(
  {
    name: 'rms-norm',
    code: [workgroup, { file: 'rms-norm.wgsl', text }],
    bindings: { x: 'read', residual: 'read', weight: 'read', sum: 'write', y: 'write' },
    params: { rows: 'u32', columns: 'u32', eps: 'f32', offset: 'f32' },
    constants: { HAS_RESIDUAL: [false, true] },
  },
  rowKernel,
);

export const rmsNormKernels: readonly Kernel[] = [
  ...allForms(forms.singly),
  ...allForms(forms.fours),
];

/** The gain (`weight`), (columns), and the ε added to the mean square. */
export interface RmsNormWeights {
  readonly weight: Tensor;
  readonly eps: number;
  /** Added to the gain: 1 where it is stored as the difference from 1, 0 when absent. */
  readonly offset?: number;
}

/**
 * RMSNorm(x + residual), arXiv 1910.07467. x, residual and the result: (…, columns).
 */
export function rmsNorm(
  x: Tensor,
  { weight, eps, offset = 0 }: RmsNormWeights,
  options: { residual?: Tensor | undefined; label?: string } = {},
): Tensor {
  const { recording } = x;
  const { residual, label = 'RMS norm' } = options;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const y = recording.transient(label, x.shape);
  const sum = residual && recording.transient(`${label} input`, x.shape);
  const params = { rows, columns, eps, offset };
  recording.dispatch({
    ...rowForm(formOfWidth(forms, widthOf(columns)), recording.gpu, rows),
    bindings: { x, residual, weight, sum, y },
    params,
    constants: { HAS_RESIDUAL: residual !== undefined },
  });
  recording.differentiate({
    op: 'rms-norm',
    output: y,
    inputs: [x, residual, weight],
    trace: { x, residual, weight, sum, label, params },
  } satisfies Traced<'rms-norm'>);
  return y;
}
