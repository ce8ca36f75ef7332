// The gradient of the loss of pairs, each judged by itself.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { type SigmoidLossEntry, sigmoidLossParams } from './sigmoid-loss.ts';
import text from './sigmoid-loss-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'sigmoid-loss-backward',
  code: [workgroup, { file: 'sigmoid-loss-backward.wgsl', text }],
  bindings: { x: 'read', dy: 'read', dx: 'write' },
  params: sigmoidLossParams,
});

export const sigmoidLossBackwardKernels: readonly Kernel[] = [backwardKernel];

export const sigmoidLossBackward: Rule<SigmoidLossEntry> = ({ trace: { x, params } }, dy) => [
  [
    x,
    (): Tensor => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      dy.recording.dispatch({
        kernel: backwardKernel,
        bindings: { x, dy, dx },
        params,
        workgroups: Math.ceil(params.size / 64),
      });
      return dx;
    },
  ],
];
