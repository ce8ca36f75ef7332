// The gradient of weights by their direction and length.

import { once } from '../../runtime/gradient.ts';
import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { multiplied } from '../elementwise/column-scale.ts';
import { scale } from '../elementwise/scale.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import type { EnergyEntry, WeightNormEntry } from './weight-norm.ts';
import text from './weight-norm-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'weight-norm-backward',
  code: [workgroup, { file: 'weight-norm-backward.wgsl', text }],
  bindings: {
    energy: 'read',
    length: 'read',
    dy: 'read',
    d_energy: 'write',
    d_length: 'write',
  },
  params: { steps: 'u32' },
});

export const weightNormBackwardKernels: readonly Kernel[] = [backwardKernel];

export const weightNormBackward: Rule<WeightNormEntry> = ({ trace: { energy, length } }, dy) => {
  const { recording } = dy;
  const both = once(() => {
    const d_energy = recording.transient(`d ${energy.label}`, energy.shape);
    const d_length = recording.transient(`d ${length.label}`, length.shape);
    const steps = length.size(-1);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { energy, length, dy, d_energy, d_length },
      params: { steps },
      workgroups: Math.ceil(steps / 64),
    });
    return { d_energy, d_length };
  });
  return [
    [energy, () => both().d_energy],
    [length, () => both().d_length],
  ];
};

/** Of the sum of squares: twice each. */
export const energyBackward: Rule<EnergyEntry> = ({ trace: { direction } }, dy) => [
  [
    direction,
    () => {
      const { recording } = dy;
      return multiplied(direction, scale(dy, 2), { label: `d ${direction.label}`, recording });
    },
  ],
];
