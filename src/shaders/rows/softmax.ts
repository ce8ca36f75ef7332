// Softmax along rows.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { numbers, rowSoftmax, workgroup } from '../snippets.ts';
import text from './softmax.wgsl?raw';

const forms = rowKernel({
  name: 'softmax',
  code: [workgroup, numbers, rowSoftmax, { file: 'softmax.wgsl', text }],
  bindings: { x: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32' },
});

export const softmaxKernels: readonly Kernel[] = allForms(forms);

/** exp(x) / Σ exp(x) along the last axis. x and the result: (…, columns). */
export function softmax(x: Tensor): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const y = recording.transient('softmax', x.shape);
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows, columns),
    bindings: { x, y },
    params: { rows, columns },
  });
  return y;
}
