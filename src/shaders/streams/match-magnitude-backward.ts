// The gradients of rows that were brought to the magnitude of others.

import { once } from '../../runtime/gradient.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './match-magnitude-backward.wgsl?raw';
import { type MatchMagnitudeEntry, matchMagnitudeParams } from './match-magnitude.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';

const forms = rowKernel({
  name: 'match-magnitude-backward',
  code: [workgroup, { file: 'match-magnitude-backward.wgsl', text }],
  bindings: { x: 'read', like: 'read', dy: 'read', dx: 'write', d_like: 'write' },
  params: matchMagnitudeParams,
});

export const matchMagnitudeBackwardKernels: readonly Kernel[] = allForms(forms);

export const matchMagnitudeBackward: Rule<MatchMagnitudeEntry> = ({ trace }, dy) => {
  const { x, like, params } = trace;
  const { recording } = dy;
  const both = once(() => {
    const dx = recording.transient(`d ${x.label}`, x.shape);
    const d_like = recording.transient(`d ${like.label}`, like.shape);
    recording.dispatch({
      ...rowForm(forms, recording.gpu, params.rows),
      bindings: { x, like, dy, dx, d_like },
      params,
    });
    return { dx, d_like };
  });
  return [
    [x, () => both().dx],
    [like, () => both().d_like],
  ];
};
