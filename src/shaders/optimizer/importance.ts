// How important parameters are to the loss: "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning"
// (Zhang et al. 2023, arXiv 2303.10512), §3.2.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { StepTensors } from './segment.ts';
import text from './importance.wgsl?raw';

const importanceKernel = kernel({
  name: 'importance',
  code: [workgroup, { file: 'importance.wgsl', text }],
  bindings: {
    settings: 'read',
    status: 'read',
    gradient: 'read',
    parameter: 'read',
    sensitivity: 'write',
    uncertainty: 'write',
  },
  params: { size: 'u32', beta1: 'f32', beta2: 'f32' },
});

export const importanceKernels: readonly Kernel[] = [importanceKernel];

/** Parameters that were updated, and what is kept for them: f32 (n) each, n a multiple of 4. */
export interface Watched {
  readonly parameters: Tensor;
  readonly gradients: Tensor;
  /** Ī of eq. 9, in place. */
  readonly sensitivity: Tensor;
  /** Ū of eq. 10, in place. */
  readonly uncertainty: Tensor;
}

/**
 * Smooths how important parameters are by the step that was applied to them, in place; not where the third of the
 * settings is 0.
 */
export function watchImportance(
  { parameters, gradients, sensitivity, uncertainty }: Watched,
  {
    settings,
    status,
    beta1,
    beta2,
  }: StepTensors & { readonly beta1: number; readonly beta2: number },
): void {
  const size = elements(parameters.shape) / 4;
  parameters.recording.dispatch({
    kernel: importanceKernel,
    bindings: {
      settings,
      status,
      gradient: gradients,
      parameter: parameters,
      sensitivity,
      uncertainty,
    },
    params: { size, beta1, beta2 },
    workgroups: Math.ceil(size / 64),
  });
}
