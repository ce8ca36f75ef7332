// Steps of a given length along gradients, and how far they lead at most.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import text from './perturb.wgsl?raw';

const perturbKernel = kernel({
  name: 'perturb',
  code: [workgroup, { file: 'perturb.wgsl', text }],
  bindings: { x: 'read', energy: 'read', prior: 'read', y: 'write' },
  params: { size: 'u32', columns: 'u32', step: 'f32', most: 'f32' },
  constants: { BOUNDED: [false, true], EACH: [false, true], HAS_PRIOR: [false, true] },
});

export const perturbKernels: readonly Kernel[] = [perturbKernel];

interface Step {
  readonly step: number;
  readonly prior: Tensor | undefined;
}

/**
 * prior + step · x / ‖x‖, row by row of as many as there are energies, ‖x‖²; prior + step · sign x without energies. It
 * has no gradient.
 */
export function stepAlong(x: Tensor, energy: Tensor | undefined, { step, prior }: Step): Tensor {
  return perturbed(x, { energy, prior, step, most: 0, bounded: false });
}

/** x, each of its rows no longer than `most`; each element within ±most without energies. It has no gradient. */
export function within(x: Tensor, energy: Tensor | undefined, most: number): Tensor {
  return perturbed(x, { energy, prior: undefined, step: 0, most, bounded: true });
}

interface Perturbation extends Step {
  readonly energy: Tensor | undefined;
  readonly most: number;
  readonly bounded: boolean;
}

function perturbed(x: Tensor, { energy, prior, step, most, bounded }: Perturbation): Tensor {
  const { recording } = x;
  const size = elements(x.shape);
  const y = recording.transient('perturbation', x.shape);
  const rows = energy === undefined ? 1 : elements(energy.shape);
  recording.dispatch({
    kernel: perturbKernel,
    bindings: { x, energy, prior, y },
    params: { size, columns: size / rows, step, most },
    constants: { BOUNDED: bounded, EACH: energy === undefined, HAS_PRIOR: prior !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
