// The gradient of cross entropy.

import type { Kernel } from '../../runtime/kernel.ts';
import { forRows, rowsOf, transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import text from './cross-entropy-backward.wgsl?raw';
import { labelSnippet, type CrossEntropyEntry } from './cross-entropy.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, rowSoftmax, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';

const forms = rowKernel({
  name: 'cross-entropy-backward',
  code: [
    workgroup,
    numbers,
    rowSoftmax,
    labelSnippet,
    { file: 'cross-entropy-backward.wgsl', text },
  ],
  bindings: { x: 'read', label: 'read', dloss: 'read', dx: 'write' },
  params: { rows: 'u32', columns: 'u32', smoothing: 'f32' },
});

export const crossEntropyBackwardKernels: readonly Kernel[] = allForms(forms);

/** (softmax(x) - target) · dloss, row by row; 0 in rows that do not count. */
export const crossEntropyBackward: Rule<CrossEntropyEntry> = ({ trace }, dloss) => {
  const { x, label, params } = trace;
  const dxOf = (): Tensor => {
    const dx = transientLike(x, { label: `d ${x.label}`, recording: dloss.recording });
    forRows(x, (part, rows, each) => {
      const own = { x: part, label: each(label), dloss: each(dloss), dx: rows(dx) };
      appendLossGradient(own, params.smoothing);
    });
    return dx;
  };
  return [[x, dxOf]];
};

/** Appends the gradient of whole rows of logits to where `dx` lies. */
export function appendLossGradient(
  tensors: Readonly<Record<'x' | 'label' | 'dloss' | 'dx', Tensor>>,
  smoothing: number,
): void {
  const { x, dx } = tensors;
  const { recording } = dx;
  const [rows, columns] = [rowsOf(x), x.size(-1)];
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows, 3 * columns),
    bindings: tensors,
    params: { rows, columns, smoothing },
  });
}
