// The loss of a student that learns from a teacher's logits and from labels.

import { TransformerError } from '../../runtime/errors.ts';
import type { Kernel } from '../../runtime/kernel.ts';
import { forRows, rowsOf } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import text from './distillation-loss.wgsl?raw';
import { labelSnippet } from './cross-entropy.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { numbers, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

export const distillationScalars = {
  rows: 'u32',
  columns: 'u32',
  temperature: 'f32',
  weight: 'f32',
  smoothing: 'f32',
} as const;

const forms = rowKernel({
  name: 'distillation-loss',
  code: [workgroup, numbers, labelSnippet, { file: 'distillation-loss.wgsl', text }],
  bindings: { x: 'read', teacher: 'read', label: 'read', loss: 'write' },
  params: distillationScalars,
});

export const distillationLossKernels: readonly Kernel[] = allForms(forms);

export type DistillationLossEntry = Traced<
  'distillation-loss',
  {
    readonly x: Tensor;
    readonly teacher: Tensor;
    readonly label: Tensor;
    readonly params: Scalars<typeof distillationScalars>;
  }
>;

export interface DistillationLossOptions {
  /** The teacher's logits, of the same shape as the student's; they get no gradient. */
  readonly teacher: Tensor;
  /** One u32 a row, -100 (as two's complement) for rows that do not count. */
  readonly label: Tensor;
  /** T: above 1 it evens out both distributions. */
  readonly temperature: number;
  /** Part of the loss that comes from the teacher, 0 to 1; the labels have the rest. */
  readonly weight: number;
  /** Label smoothing of the labels' part. */
  readonly smoothing: number;
}

/**
 * weight · T² · KL(softmax(teacher / T) ‖ softmax(x / T)) + (1 - weight) · cross entropy of x with the
 * label, for each row; rows labelled -100 get 0. T² makes up for the gradients' 1 / T² ("Distilling the
 * Knowledge in a Neural Network", arXiv 1503.02531, §2); KL differs from the paper's cross entropy by a
 * constant, the teacher's entropy.
 * x: (…, columns), the student's logits. The result: one f32 a row.
 */
export function distillationLoss(x: Tensor, options: DistillationLossOptions): Tensor {
  const { teacher, label, temperature, weight, smoothing } = options;
  const { recording } = x;
  const columns = x.size(-1);
  const rows = elements(x.shape) / columns;
  if (teacher.size(-1) !== columns || elements(teacher.shape) !== rows * columns) {
    throw new TransformerError(
      'INPUT_INVALID',
      `The teacher's logits have shape (${teacher.shape.join(', ')}), the student's ` +
        `(${x.shape.join(', ')}). They must be of the same tokens and the same vocabulary.`,
    );
  }
  const params = { rows, columns, temperature, weight, smoothing };
  const loss = recording.transient('loss', [rows]);
  forRows(x, (part, rowsOfPart, each) => {
    const own = rowsOf(part);
    recording.dispatch({
      ...rowForm(forms, recording.gpu, own, 3 * columns),
      bindings: { x: part, teacher: rowsOfPart(teacher), label: each(label), loss: each(loss) },
      params: { ...params, rows: own },
    });
  });
  recording.differentiate({
    op: 'distillation-loss',
    output: loss,
    inputs: [x],
    trace: { x, teacher, label, params },
  } satisfies DistillationLossEntry);
  return loss;
}
