// The gradient of means over tokens.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import { meansParams, type TokenMeansEntry } from './token-means.ts';
import text from './token-means-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'token-means-backward',
  code: [workgroup, { file: 'token-means-backward.wgsl', text }],
  bindings: { dy: 'read', dx: 'write' },
  params: meansParams,
});

export const tokenMeansBackwardKernels: readonly Kernel[] = [backwardKernel];

export const tokenMeansBackward: Rule<TokenMeansEntry> = ({ trace: { x, params } }, dy) => [
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
