// Weights by their direction and length.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const weightNormKernel = kernel({
  name: 'weight-norm',
  code: [
    workgroup,
    { file: 'weight-norm.wgsl', text: late(() => import('./weight-norm.wgsl?raw')) },
  ],
  bindings: { direction: 'read', energy: 'read', length: 'read', y: 'write' },
  params: { size: 'u32', first: 'u32', steps: 'u32' },
});

export const weightNormKernels: readonly Kernel[] = [weightNormKernel];

/** A convolution's weights as weight normalization over all but its last axis keeps them. */
export interface NormedWeights {
  /** (1, out · in, steps) */
  readonly direction: Tensor;
  /** (1, 1, steps): the sums of its squares. */
  readonly energy: Tensor;
  /** (…, steps): the norms that the weights have. */
  readonly length: Tensor;
}

/** The weights of `rows` outputs from `first` on, (rows, depth), depth being in · steps. */
export function weightNorm(
  { direction, energy, length }: NormedWeights,
  { first, rows, depth }: { first: number; rows: number; depth: number },
): Tensor {
  const y = direction.recording.transient(`${direction.label}, normed`, [rows, depth]);
  direction.recording.dispatch({
    kernel: weightNormKernel,
    bindings: { direction, energy, length, y },
    params: { size: rows * depth, first: first * depth, steps: direction.size(-1) },
    workgroups: Math.ceil((rows * depth) / 64),
  });
  return y;
}
