// Cross entropy of logits against labels.

import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import { forRows, rowsOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { late, numbers, rowSoftmax, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

/** What labels ask for, and rows without one; for kernels with `columns` and `smoothing`. */
export const labelSnippet: Snippet = {
  file: 'label.wgsl',
  text: late(() => import('./label.wgsl?raw')),
};

const scalars = { rows: 'u32', columns: 'u32', smoothing: 'f32' } as const;

const forms = rowKernel({
  name: 'cross-entropy',
  code: [
    workgroup,
    numbers,
    rowSoftmax,
    labelSnippet,
    { file: 'cross-entropy.wgsl', text: late(() => import('./cross-entropy.wgsl?raw')) },
  ],
  bindings: { x: 'read', label: 'read', loss: 'write' },
  params: scalars,
});

export const crossEntropyKernels: readonly Kernel[] = allForms(forms);

export type CrossEntropyEntry = Traced<
  'cross-entropy',
  { readonly x: Tensor; readonly label: Tensor; readonly params: Scalars<typeof scalars> }
>;

/**
 * Cross entropy of each row with its label; rows labelled -100 get 0. With label smoothing ε, the
 * target is (1 - ε) on the label plus ε / columns everywhere ("Attention Is All You Need", §5.4).
 * x: (…, columns). label: one u32 a row (-100 as two's complement). The result: one f32 a row.
 */
export function crossEntropy(x: Tensor, label: Tensor, smoothing: number = 0): Tensor {
  const { recording } = x;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  const params = { rows, columns, smoothing };
  const loss = recording.transient('loss', [rows]);
  forRows(x, (part, _, each) => appendLosses(part, each(label), each(loss), smoothing));
  recording.differentiate({
    op: 'cross-entropy',
    output: loss,
    inputs: [x],
    trace: { x, label, params },
  } satisfies CrossEntropyEntry);
  return loss;
}

/** Appends the losses of whole rows to where `loss` lies. */
export function appendLosses(x: Tensor, label: Tensor, loss: Tensor, smoothing: number): void {
  const { recording } = x;
  const [rows, columns] = [rowsOf(x), x.size(-1)];
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows, 3 * columns),
    bindings: { x, label, loss },
    params: { rows, columns, smoothing },
  });
}
