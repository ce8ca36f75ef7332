// Layer normalization with fused residual.

import { type InputGradient, once } from '../runtime/gradient.ts';
import type { Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import { formOfWidth, inBothWidths, widthOf } from './element-kernel.ts';
import { columnSum } from './elementwise.ts';
import backwardText from './layer-norm-backward.wgsl?raw';
import text from './layer-norm.wgsl?raw';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { workgroup } from './snippets.ts';

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

const backwardForms = inBothWidths(
  {
    name: 'layer-norm-backward',
    code: [workgroup, { file: 'layer-norm-backward.wgsl', text: backwardText }],
    bindings: { s: 'read', weight: 'read', dy: 'read', dx: 'write', dn: 'write' },
    params: { rows: 'u32', columns: 'u32', eps: 'f32' },
  },
  rowKernel,
);

export const layerNormKernels: readonly Kernel[] = [
  ...allForms(forms.singly),
  ...allForms(forms.fours),
  ...allForms(backwardForms.singly),
  ...allForms(backwardForms.fours),
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
  recording.dispatch({
    ...rowForm(formOfWidth(forms, width), recording.gpu, rows),
    bindings: { x, residual, weight, bias, sum, y },
    params: { rows, columns, eps },
    constants: { HAS_RESIDUAL: residual !== undefined },
  });
  const backward = (dy: Tensor): InputGradient[] => {
    const both = once(() => {
      const dx = recording.transient(`d ${label} input`, x.shape);
      const dn = recording.transient(`d ${label} normalized`, x.shape);
      recording.dispatch({
        ...rowForm(formOfWidth(backwardForms, width), recording.gpu, rows),
        bindings: { s: sum ?? x, weight, dy, dx, dn },
        params: { rows, columns, eps },
      });
      return { dx, dn };
    });
    return [
      [x, () => both().dx],
      [residual, () => both().dx],
      [weight, () => columnSum(both().dn, `d ${weight.label}`)],
      [bias, () => columnSum(dy, `d ${bias.label}`)],
    ];
  };
  recording.differentiate({ output: y, inputs: [x, residual, weight, bias], backward });
  return y;
}
