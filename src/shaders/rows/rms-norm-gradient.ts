// The gradient of root mean square normalization.

import { once } from '../../runtime/gradient.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { columnSum } from '../matmul/column-sum.ts';
import { formOfWidth, inBothWidths, widthOf } from '../elementwise/element-kernel.ts';
import text from './rms-norm-backward.wgsl?raw';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';

const forms = inBothWidths(
  {
    name: 'rms-norm-backward',
    code: [workgroup, { file: 'rms-norm-backward.wgsl', text }],
    bindings: { s: 'read', weight: 'read', dy: 'read', dx: 'write', dn: 'write' },
    params: { rows: 'u32', columns: 'u32', eps: 'f32', offset: 'f32' },
  },
  rowKernel,
);

export const rmsNormGradientKernels: readonly Kernel[] = [
  ...allForms(forms.singly),
  ...allForms(forms.fours),
];

/** Gradients of what was normalized, which x and residual share, and of the gain. */
export const rmsNormGradient: Rule<'rms-norm'> = ({ trace }, dy) => {
  const { x, residual, weight, sum, label, params } = trace;
  const { recording } = dy;
  const both = once(() => {
    const dx = recording.transient(`d ${label} input`, x.shape);
    const dn = recording.transient(`d ${label} normalized`, x.shape);
    recording.dispatch({
      ...rowForm(formOfWidth(forms, widthOf(params.columns)), recording.gpu, params.rows),
      bindings: { s: sum ?? x, weight, dy, dx, dn },
      params,
    });
    return { dx, dn };
  });
  return [
    [x, () => both().dx],
    [residual, () => both().dx],
    [weight, () => columnSum(both().dn, `d ${weight.label}`)],
  ];
};
