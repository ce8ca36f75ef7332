// How likely the tokens were that were chosen.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, rules, workgroup } from '../snippets.ts';
import type { ChoiceState } from './token-rules.ts';

const forms = rowKernel({
  name: 'token-log-probs',
  code: [
    workgroup,
    numbers,
    rules,
    { file: 'token-log-probs.wgsl', text: late(() => import('./token-log-probs.wgsl?raw')) },
  ],
  bindings: { x: 'read', tokens: 'read', rules: 'read', place: 'read', y: 'write' },
  params: { rows: 'u32', columns: 'u32', span: 'u32' },
});

export const tokenLogProbKernels: readonly Kernel[] = allForms(forms);

/**
 * Writes the log-probability of each row's token, (R, 1), to its place in `recent`, (R, span): by the place that the
 * token will have, % span. x: (R, …, V), as the token was chosen from it.
 */
export function tokenLogProbs(
  x: Tensor,
  tokens: Tensor,
  { place, rules: words }: ChoiceState,
  recent: Tensor,
): void {
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  x.recording.dispatch({
    ...rowForm(forms, x.recording.gpu, rows, 2 * columns),
    bindings: { x, tokens, rules: words, place, y: recent },
    params: { rows, columns, span: recent.size(-1) },
  });
}
