// The loss of labels that are numbers.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const lossKernel = kernel({
  name: 'value-loss',
  code: [workgroup, { file: 'value-loss.wgsl', text: late(() => import('./value-loss.wgsl?raw')) }],
  bindings: { x: 'read', label: 'read', y: 'write' },
  params: { size: 'u32' },
  constants: { FLAGS: [false, true] },
});

export const valueLossKernels: readonly Kernel[] = [lossKernel];

export type ValueLossEntry = Traced<
  'value-loss',
  { readonly x: Tensor; readonly label: Tensor; readonly isFlags: boolean }
>;

/**
 * (x - label)² of each number; `isFlags`: its binary cross entropy, -log sigmoid(x) where the label is 1 and
 * -log(1 - sigmoid(x)) where it is 0. x, label and result are of one shape.
 */
export function valueLoss(x: Tensor, label: Tensor, isFlags: boolean): Tensor {
  const { recording } = x;
  const y = recording.transient('losses of numbers', x.shape);
  const size = elements(x.shape);
  recording.dispatch({
    kernel: lossKernel,
    bindings: { x, label, y },
    params: { size },
    constants: { FLAGS: isFlags },
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({
    op: 'value-loss',
    output: y,
    inputs: [x],
    trace: { x, label, isFlags },
  } satisfies ValueLossEntry);
  return y;
}
