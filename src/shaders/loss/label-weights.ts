// How much rows count by their classes.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import text from './label-weights.wgsl?raw';
import { workgroup } from '../snippets.ts';

const labelWeightsKernel = kernel({
  name: 'label-weights',
  code: [workgroup, { file: 'label-weights.wgsl', text }],
  bindings: { label: 'read', factor: 'read', weight: 'write' },
  params: { rows: 'u32', classes: 'u32' },
});

export const labelWeightsKernels: readonly Kernel[] = [labelWeightsKernel];

/** factor[label] of each row, 0 for -100. label: u32 (rows), factor: (classes). Result: (rows); it has no gradient. */
export function labelWeights(label: Tensor, factor: Tensor): Tensor {
  const { recording } = label;
  const rows = elements(label.shape);
  const weight = recording.transient('weights of labels', [rows]);
  recording.dispatch({
    kernel: labelWeightsKernel,
    bindings: { label, factor, weight },
    params: { rows, classes: elements(factor.shape) },
    workgroups: Math.ceil(rows / 64),
  });
  return weight;
}
