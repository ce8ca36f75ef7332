// The gradient of tensors side by side.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { type JoinColumnsEntry, joinColumnsParams } from './join-columns.ts';
import text from './join-columns-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'join-columns-backward',
  code: [workgroup, { file: 'join-columns-backward.wgsl', text }],
  bindings: { dy: 'read', dx: 'write' },
  params: joinColumnsParams,
});

export const joinColumnsBackwardKernels: readonly Kernel[] = [backwardKernel];

export const joinColumnsBackward: Rule<JoinColumnsEntry> = ({ trace: { parts } }, dy) =>
  parts.map(({ x, params }) => [
    x,
    (): Tensor => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      dy.recording.dispatch({
        kernel: backwardKernel,
        bindings: { dy, dx },
        params,
        workgroups: Math.ceil(params.size / 64),
      });
      return dx;
    },
  ]);
