// The gradient of a weight with a low-rank update.

import { kernel, type Kernel } from '../runtime/kernel.ts';
import { elements, type Tensor } from '../runtime/tensor.ts';
import text from './lora-backward.wgsl?raw';
import { workgroup } from './snippets.ts';
import type { Rule } from './traces.ts';

const backwardKernel = kernel({
  name: 'lora-backward',
  code: [workgroup, { file: 'lora-backward.wgsl', text }],
  bindings: { dy: 'read', ddelta: 'write' },
  params: { columns: 'u32', first: 'u32', count: 'u32', scale: 'f32' },
});

export const loraGradientKernels: readonly Kernel[] = [backwardKernel];

/** The weight gets dy as it is, the update its rows of dy, scaled. */
export const loraGradient: Rule<'lora'> = ({ trace: { weight, delta, params } }, dy) => {
  const dDeltaOf = (): Tensor => {
    const { recording } = dy;
    const ddelta = recording.transient(`d ${delta.label}`, delta.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { dy, ddelta },
      params,
      workgroups: Math.ceil(elements(delta.shape) / 64),
    });
    return ddelta;
  };
  return [
    [weight, () => dy],
    [delta, dDeltaOf],
  ];
};
