// The gradient of a student's loss.

import type { Kernel } from '../../runtime/kernel.ts';
import { forRows, rowsOf, transientLike } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import text from './distillation-loss-backward.wgsl?raw';
import { distillationScalars, type DistillationLossEntry } from './distillation-loss.ts';
import { labelSnippet } from './cross-entropy.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';

const forms = rowKernel({
  name: 'distillation-loss-backward',
  code: [workgroup, numbers, labelSnippet, { file: 'distillation-loss-backward.wgsl', text }],
  bindings: { x: 'read', teacher: 'read', label: 'read', dloss: 'read', dx: 'write' },
  params: distillationScalars,
});

export const distillationLossBackwardKernels: readonly Kernel[] = allForms(forms);

/** weight · T · (softmax(x / T) - softmax(teacher / T)), plus the labels' part, times dloss. */
export const distillationLossBackward: Rule<DistillationLossEntry> = ({ trace }, dloss) => {
  const { x, teacher, label, params } = trace;
  const dxOf = (): Tensor => {
    const { recording } = dloss;
    const dx = transientLike(x, { label: `d ${x.label}`, recording });
    forRows(x, (part, rows, each) => {
      const own = rowsOf(part);
      recording.dispatch({
        ...rowForm(forms, recording.gpu, own, 3 * params.columns),
        bindings: {
          x: part,
          teacher: rows(teacher),
          label: each(label),
          dloss: each(dloss),
          dx: rows(dx),
        },
        params: { ...params, rows: own },
      });
    });
    return dx;
  };
  return [[x, dxOf]];
};
