// How likely tokens were to a model, and which were the likeliest.

import type { Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, rowSoftmax, workgroup } from '../snippets.ts';

const forms = rowKernel({
  name: 'likely-tokens',
  code: [
    workgroup,
    numbers,
    rowSoftmax,
    { file: 'likely-tokens.wgsl', text: late(() => import('./likely-tokens.wgsl?raw')) },
  ],
  bindings: { x: 'read', tokens: 'read', place: 'read', ids: 'write', y: 'write' },
  params: { rows: 'u32', columns: 'u32', span: 'u32', top: 'u32' },
});

export const likelyTokenKernels: readonly Kernel[] = allForms(forms);

/** Where the last steps are kept, by the place that a token will have, % S. */
export interface RecentLikelihoods {
  /** (R, S, K) u32: the likeliest tokens. Where a vocabulary has fewer, its size stands for those that are missing. */
  readonly ids: Tensor;
  /** (R, S, 1 + K): log-probabilities of the chosen token and of the likeliest. */
  readonly values: Tensor;
}

/** Writes log-probabilities by the logits x, (R, …, V), of each row's token, (R, 1), and of the likeliest K. */
export function likelyTokens(
  x: Tensor,
  tokens: Tensor,
  place: Tensor,
  { ids, values }: RecentLikelihoods,
): void {
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const top = ids.size(-1);
  x.recording.dispatch({
    ...rowForm(forms, x.recording.gpu, rows, (2 + top) * columns),
    bindings: { x, tokens, place, ids, y: values },
    params: { rows, columns, span: ids.size(-2), top },
  });
}
