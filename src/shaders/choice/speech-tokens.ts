// What generation from speech asks of the choice of tokens besides: time stamps by their rules.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, rules, workgroup } from '../snippets.ts';
import type { ChoiceState } from './token-rules.ts';

const timestampForms = rowKernel({
  name: 'timestamp-rules',
  code: [
    workgroup,
    numbers,
    rules,
    { file: 'timestamp-rules.wgsl', text: late(() => import('./timestamp-rules.wgsl?raw')) },
  ],
  bindings: { history: 'read', rules: 'read', place: 'read', x: 'write' },
  params: { rows: 'u32', columns: 'u32', pitch: 'u32' },
});

export const speechTokenKernels: readonly Kernel[] = allForms(timestampForms);

/**
 * Hides what time stamps do not allow behind the tokens so far, in rows whose rules know of time stamps. x: logits
 * (R, …, V), in place.
 */
export function applyTimestampRules(
  x: Tensor,
  { place, rules: words, history }: ChoiceState,
): void {
  if (history === undefined) throw new RangeError('rules of time stamps need the history');
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  x.recording.dispatch({
    ...rowForm(timestampForms, x.recording.gpu, rows, 3 * columns),
    bindings: { history, rules: words, place, x },
    params: { rows, columns, pitch: history.size(-1) },
    parts: ['x'],
  });
}
