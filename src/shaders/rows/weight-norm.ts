// Weights by their direction and length.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { windowOf } from '../../runtime/parts.ts';
import type { Recording } from '../../runtime/record.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { add } from '../elementwise/add.ts';
import { columnScale } from '../elementwise/column-scale.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';
import { fold } from './fold.ts';

const weightNormKernel = kernel({
  name: 'weight-norm',
  code: [
    workgroup,
    { file: 'weight-norm.wgsl', text: late(() => import('./weight-norm.wgsl?raw')) },
  ],
  bindings: { energy: 'read', length: 'read', y: 'write' },
  params: { steps: 'u32' },
});

export const weightNormKernels: readonly Kernel[] = [weightNormKernel];

export type EnergyEntry = Traced<'energy', { readonly direction: Tensor }>;

export type WeightNormEntry = Traced<
  'weight-norm',
  { readonly energy: Tensor; readonly length: Tensor }
>;

/** The weights of a convolution over time, kept by weight normalization over all axes but the last. */
export interface NormedWeights {
  /** (out, in · steps), of each group of channels */
  readonly directions: readonly [Tensor, ...Tensor[]];
  /** (…, steps): the norms that the weights of all groups have together, a norm for each step. */
  readonly length: Tensor;
}

/**
 * length · direction / ‖direction‖ (Salimans and Kingma, 2016, arXiv 1602.07868, eq. 2), the norm being that of all
 * groups together, at each step of the window. Result: the weights of each group, like its direction.
 */
export function weightNorm(
  recording: Recording,
  { directions, length }: NormedWeights,
): [Tensor, ...Tensor[]] {
  const steps = length.size(-1);
  const [first, ...others] = directions;
  const energyOf = (direction: Tensor): Tensor => energyIn(recording, direction, steps);
  const energy = others.map(energyOf).reduce(add, energyOf(first));
  const factor = overNorm(energy, length);
  const weightOf = (direction: Tensor): Tensor => columnScale(direction, factor, { recording });
  return [weightOf(first), ...others.map(weightOf)];
}

/** length / √energy at each step. energy and length: (…, steps). Result: (steps). */
export function overNorm(energy: Tensor, length: Tensor): Tensor {
  const { recording } = energy;
  const steps = length.size(-1);
  const y = recording.transient(`${length.label}, over the norm`, [steps]);
  recording.dispatch({
    kernel: weightNormKernel,
    bindings: { energy, length, y },
    params: { steps },
    workgroups: Math.ceil(steps / 64),
  });
  recording.differentiate({
    op: 'weight-norm',
    output: y,
    inputs: [energy, length],
    trace: { energy, length },
  } satisfies WeightNormEntry);
  return y;
}

/** The sums of the squares of a direction at each step. Result: (1, 1, steps). */
function energyIn(recording: Recording, direction: Tensor, steps: number): Tensor {
  const shape = [1, elements(direction.shape) / steps, steps];
  const y = fold(windowOf(recording.use(direction), 0, { shape }), { kind: 'energy' });
  recording.differentiate({
    op: 'energy',
    output: y,
    inputs: [direction],
    trace: { direction },
  } satisfies EnergyEntry);
  return y;
}
