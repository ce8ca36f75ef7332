// The gradient of normalization.

import { once } from '../../runtime/gradient.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { columnSum } from '../matmul/columns/column-sum.ts';
import { inBothWidths } from '../elementwise/element-kernel.ts';
import text from './norm-backward.wgsl?raw';
import { normParams, type NormEntry } from './norm.ts';
import { allWidths, rowFormOfWidth, rowKernel } from './row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';

const formsOf = (name: string, centred: boolean) =>
  inBothWidths(
    {
      name,
      entry: 'norm_backward',
      code: [workgroup, { file: 'norm-backward.wgsl', text }],
      bindings: { s: 'read', weight: 'read', dy: 'read', dx: 'write', dn: 'write' },
      params: normParams,
      constants: { CENTRED: [centred] },
    },
    rowKernel,
  );

const layerNorm = formsOf('layer-norm-backward', true);
const rmsNorm = formsOf('rms-norm-backward', false);

export const normBackwardKernels: readonly Kernel[] = [
  ...allWidths(layerNorm),
  ...allWidths(rmsNorm),
];

/** Gradients of what was normalized, which x and residual share, of the gain and of the bias. */
export const normBackward: Rule<NormEntry> = ({ trace }, dy) => {
  const { x, residual, weight, bias, sum, label, params } = trace;
  const { recording } = dy;
  const centred = bias !== undefined;
  const both = once(() => {
    const dx = recording.transient(`d ${label} input`, x.shape);
    const dn = recording.transient(`d ${label} normalized`, x.shape);
    const forms = centred ? layerNorm : rmsNorm;
    recording.dispatch({
      ...rowFormOfWidth(forms, recording.gpu, params.rows, params.columns),
      bindings: { s: sum ?? x, weight, dy, dx, dn },
      params,
      constants: { CENTRED: centred },
    });
    return { dx, dn };
  });
  return [
    [x, () => both().dx],
    [residual, () => both().dx],
    [weight, () => columnSum(both().dn, `d ${weight.label}`)],
    [bias, () => columnSum(dy, `d ${bias?.label ?? ''}`)],
  ];
};
