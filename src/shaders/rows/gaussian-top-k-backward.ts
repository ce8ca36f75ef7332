// The gradient of what stands above a cutoff, which moves with the row.

import type { Kernel } from '../../runtime/kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './gaussian-top-k-backward.wgsl?raw';
import { type GaussianTopKEntry, gaussianTopKParams, rowMoments } from './gaussian-top-k.ts';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';

const forms = rowKernel({
  name: 'gaussian-top-k-backward',
  code: [workgroup, rowMoments, { file: 'gaussian-top-k-backward.wgsl', text }],
  bindings: { x: 'read', dy: 'read', dx: 'write' },
  params: gaussianTopKParams,
});

export const gaussianTopKBackwardKernels: readonly Kernel[] = allForms(forms);

export const gaussianTopKBackward: Rule<GaussianTopKEntry> = ({ trace: { x, params } }, dy) => [
  [
    x,
    () => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      dy.recording.dispatch({
        ...rowForm(forms, dy.recording.gpu, params.rows, 4 * params.columns),
        bindings: { x, dy, dx },
        params,
      });
      return dx;
    },
  ],
];
