// Layer normalization with fused residual.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { formOfWidth, inBothWidths, widthOf } from '../elementwise/element-kernel.ts';
import text from './layer-norm.wgsl?raw';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const forms = inBothWidths(
  {
    name: 'layer-norm',
    code: [workgroup, { file: 'layer-norm.wgsl', text }],
    bindings: {
      x: 'read',
      residual: 'read',
      weight: 'read',
      bias: 'read',
      sum: 'write',
      y: 'write',
    },
    params: { rows: 'u32', columns: 'u32', eps: 'f32' },
    constants: { HAS_RESIDUAL: [false, true] },
  },
  rowKernel,
);

export const layerNormKernels: readonly Kernel[] = [
  ...allForms(forms.singly),
  ...allForms(forms.fours),
];

/** γ (`weight`) and β (`bias`), each (columns), and the ε added to the variance. */
export interface LayerNormWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;
}

/**
 * LayerNorm(x + residual), arXiv 1607.06450. x, residual and the result: (…, columns).
 */
export function layerNorm(
  x: Tensor,
  { weight, bias, eps }: LayerNormWeights,
  options: { residual?: Tensor; label?: string } = {},
): Tensor {
  const { recording } = x;
  const { residual, label = 'layer norm' } = options;
  const columns = x.size(-1);
  const width = widthOf(columns);
  const rows = elements(x.shape) / columns;
  const y = recording.transient(label, x.shape);
  const sum = residual && recording.transient(`${label} input`, x.shape);
  const params = { rows, columns, eps };
  recording.dispatch({
    ...rowForm(formOfWidth(forms, width), recording.gpu, rows),
    bindings: { x, residual, weight, bias, sum, y },
    params,
    constants: { HAS_RESIDUAL: residual !== undefined },
  });
  recording.differentiate({
    op: 'layer-norm',
    output: y,
    inputs: [x, residual, weight, bias],
    trace: { x, residual, weight, bias, sum, label, params },
  } satisfies Traced<'layer-norm'>);
  return y;
}
