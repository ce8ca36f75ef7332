// Penalties of the size of parameters, by their gradients.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import text from './penalty.wgsl?raw';
import { foursOf, type Segment } from './segment.ts';
import { flags, workgroup } from '../snippets.ts';

const penaltyKernel = kernel({
  name: 'penalty',
  code: [workgroup, flags, { file: 'penalty.wgsl', text }],
  bindings: { parameter: 'read', flags: 'read', gradient: 'write' },
  params: { size: 'u32', l1: 'f32', l2: 'f32' },
});

export const penaltyKernels: readonly Kernel[] = [penaltyKernel];

export interface Penalties {
  /** Times Σ |p|. */
  readonly l1: number;
  /** Times ½ Σ p². */
  readonly l2: number;
}

/** Adds l1 · sign(p) + l2 · p to the gradients of a segment's parameters that decay, in place. */
export function penalize(segment: Segment, { l1, l2 }: Penalties): void {
  const { parameters, gradients, flags: own } = segment;
  const size = foursOf(segment);
  gradients.recording.dispatch({
    kernel: penaltyKernel,
    bindings: { parameter: parameters, flags: own, gradient: gradients },
    params: { size, l1, l2 },
    workgroups: Math.ceil(size / 64),
  });
}
