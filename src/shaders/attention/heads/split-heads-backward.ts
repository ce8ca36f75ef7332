// The gradient of heads that were taken apart, normalized and rotated.

import { once } from '../../../runtime/gradient.ts';
import type { Kernel } from '../../../runtime/kernel.ts';
import { elements } from '../../../runtime/tensor.ts';
import { columnSum } from '../../matmul/columns/column-sum.ts';
import { allForms, rowForm, rowKernel } from '../../rows/row-kernel.ts';
import { workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';
import text from './split-heads-backward.wgsl?raw';
import { headsCommon, type HeadsEntry, headsParams, headsSwitches } from './split-heads.ts';

const forms = rowKernel({
  name: 'split-heads-backward',
  code: [workgroup, headsCommon, { file: 'split-heads-backward.wgsl', text }],
  bindings: {
    projections: 'read',
    place: 'read',
    turns: 'read',
    weight: 'read',
    dy: 'read',
    dx: 'write',
    dn: 'write',
  },
  params: headsParams,
  constants: headsSwitches,
});

export const splitHeadsBackwardKernels: readonly Kernel[] = allForms(forms);

/** Gradients of the projections and of the weights of the norm. */
export const splitHeadsBackward: Rule<HeadsEntry> = ({ trace }, dy) => {
  const { given, params, constants } = trace;
  const { projections, place, weight } = given;
  const { recording } = dy;
  const tokens = elements(place.shape) / 2;
  const isWide = constants.WIDE_NORM;
  const rows = isWide ? 3 * tokens : params.rows;
  // A sum for each weight: those of all heads, or of one query and one key that all tokens and heads share.
  const columns = (isWide ? params.heads + params.key_heads : 2) * params.head_size;
  const sums = constants.HAS_NORM ? tokens * (isWide ? 1 : params.heads) : 1;
  const both = once(() => {
    const dx = recording.transient(`d ${projections.label}`, projections.shape);
    const dn = recording.transient('d norm of heads', [sums, columns]);
    recording.dispatch({
      ...rowForm(forms, recording.gpu, rows),
      bindings: { ...given, dy, dx, dn },
      params: { ...params, rows },
      constants,
    });
    return { dx, dn };
  });
  return [
    [projections, () => both().dx],
    [weight, () => columnSum(both().dn, `d ${weight?.label ?? ''}`, [columns])],
  ];
};
