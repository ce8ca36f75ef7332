// A penalty of vectors that are not orthonormal: "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient
// Fine-Tuning" (Zhang et al. 2023, arXiv 2303.10512), §3.1.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import gramText from './gram-residual.wgsl?raw';
import text from './orthogonality.wgsl?raw';

const scalars = { vectors: 'u32', length: 'u32', pitch: 'u32', step: 'u32' } as const;

const gramKernel = kernel({
  name: 'gram-residual',
  code: [workgroup, { file: 'gram-residual.wgsl', text: gramText }],
  bindings: { parameter: 'read', residual: 'write' },
  params: scalars,
});

const orthogonalityKernel = kernel({
  name: 'orthogonality',
  code: [workgroup, { file: 'orthogonality.wgsl', text }],
  bindings: { residual: 'read', parameter: 'read', gradient: 'write' },
  params: { ...scalars, weight: 'f32' },
});

export const orthogonalityKernels: readonly Kernel[] = [gramKernel, orthogonalityKernel];

/** A few long vectors, the rows of a matrix or its columns. */
export interface Vectors {
  /** f32 (vectors, length), or (length, vectors) where they are columns. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly areColumns: boolean;
}

/** PPᵀ - I of the vectors P: f32 (vectors, vectors). */
export function gramResidual(given: Omit<Vectors, 'gradient'>): Tensor {
  const { parameter } = given;
  const sizes = sizesOf(given);
  const { vectors } = sizes;
  const { recording } = parameter;
  const residual = recording.transient(`residual of ${parameter.label}`, [vectors, vectors]);
  recording.dispatch({
    kernel: gramKernel,
    bindings: { parameter, residual },
    params: sizes,
    workgroups: vectors ** 2,
  });
  return residual;
}

/** Adds the slope of weight · ‖PPᵀ - I‖ (Frobenius; eq. 4, without the square, as PEFT has it) to the gradient, in place. */
export function orthogonalize(given: Vectors, weight: number): void {
  const { parameter, gradient } = given;
  const sizes = sizesOf(given);
  gradient.recording.dispatch({
    kernel: orthogonalityKernel,
    bindings: { residual: gramResidual(given), parameter, gradient },
    params: { ...sizes, weight },
    workgroups: Math.ceil((sizes.vectors * sizes.length) / 64),
  });
}

function sizesOf({
  parameter,
  areColumns,
}: Omit<Vectors, 'gradient'>): Record<keyof typeof scalars, number> {
  const [rows, columns] = [parameter.size(0), parameter.size(1)];
  return areColumns
    ? { vectors: columns, length: rows, pitch: 1, step: columns }
    : { vectors: rows, length: columns, pitch: columns, step: 1 };
}
