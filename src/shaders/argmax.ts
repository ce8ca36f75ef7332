// The best column of each row.

import type { Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import text from './argmax.wgsl?raw';
import { allForms, rowForm, rowKernel } from './row-kernel.ts';
import { numbers, workgroup } from './snippets.ts';

const forms = rowKernel({
  name: 'argmax',
  code: [workgroup, numbers, { file: 'argmax.wgsl', text }],
  bindings: { x: 'read', suppressed: 'read', index: 'write' },
  params: { rows: 'u32', columns: 'u32' },
  constants: { HAS_SUPPRESSED: [false, true] },
});

export const argmaxKernels: readonly Kernel[] = allForms(forms);

/**
 * Writes the column of each row's largest value to `index`, the first one on a tie.
 * x: (…, columns). suppressed: (columns), columns to pass over are not 0. index: one u32 a row.
 */
export function argmax(x: Tensor, index: Tensor, suppressed?: Tensor): void {
  const { recording } = x;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows),
    bindings: { x, suppressed, index },
    params: { rows, columns },
    constants: { HAS_SUPPRESSED: suppressed !== undefined },
  });
}
