// The gradient of images that were cut into patches.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { type PatchesEntry, patchesParams } from './patches.ts';
import text from './patches-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'patches-backward',
  code: [workgroup, { file: 'patches-backward.wgsl', text }],
  bindings: { dy: 'read', dx: 'write' },
  params: patchesParams,
});

export const patchesBackwardKernels: readonly Kernel[] = [backwardKernel];

export const patchesBackward: Rule<PatchesEntry> = ({ trace: { pixels, params } }, dy) => [
  [
    pixels,
    (): Tensor => {
      const dx = dy.recording.transient(`d ${pixels.label}`, pixels.shape);
      dy.recording.dispatch({
        kernel: backwardKernel,
        bindings: { dy, dx },
        params,
        workgroups: Math.ceil(elements(pixels.shape) / 64),
      });
      return dx;
    },
  ],
];
