// The gradient of norms that gates follow.

import { once } from '../../runtime/gradient.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { blankOthers } from '../matmul/columns/blank-columns-backward.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './gated-norm-backward.wgsl?raw';
import { type GatedNormEntry, gatedNormParams } from './gated-norm.ts';

const forms = rowKernel({
  name: 'gated-norm-backward',
  code: [workgroup, { file: 'gated-norm-backward.wgsl', text }],
  bindings: {
    x: 'read',
    z: 'read',
    weight: 'read',
    dy: 'read',
    dx: 'write',
    dz: 'write',
    dn: 'write',
  },
  params: gatedNormParams,
});

export const gatedNormBackwardKernels: readonly Kernel[] = allForms(forms);

/** Gradients of what was normalized, of the gates, and of the weights. */
export const gatedNormBackward: Rule<GatedNormEntry> = ({ trace }, dy) => {
  const { x, z, weight, params } = trace;
  const { recording } = dy;
  const all = once(() => {
    const dx = recording.transient(`d ${x.label}`, x.shape);
    const dz = recording.transient(`d ${z.label}`, z.shape);
    const dn = recording.transient(`d ${weight.label}, by rows`, x.shape);
    recording.dispatch({
      ...rowForm(forms, recording.gpu, params.rows),
      bindings: { x, z, weight, dy, dx, dz, dn },
      params,
      parts: ['dz'],
    });
    blankOthers(dz, { first: params.column, second: params.column, count: x.size(-1) });
    return { dx, dz, dn };
  });
  return [
    [x, () => all().dx],
    [z, () => all().dz],
    [weight, () => columnSum(all().dn, `d ${weight.label}`, weight.shape)],
  ];
};
