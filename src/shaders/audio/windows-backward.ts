// The gradient of windows.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { type WindowsEntry, windowsParams } from './windows.ts';
import text from './windows-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'windows-backward',
  code: [workgroup, { file: 'windows-backward.wgsl', text }],
  bindings: { dy: 'read', dx: 'write' },
  params: windowsParams,
});

export const windowBackwardKernels: readonly Kernel[] = [backwardKernel];

export const windowsBackward: Rule<WindowsEntry> = ({ trace: { x, params } }, dy) => [
  [
    x,
    (): Tensor => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      dy.recording.dispatch({
        kernel: backwardKernel,
        bindings: { dy, dx },
        params,
        workgroups: Math.ceil(elements(x.shape) / 64),
      });
      return dx;
    },
  ],
];
