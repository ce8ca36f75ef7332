// The gradient of the loss of labels that are numbers.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import type { ValueLossEntry } from './value-loss.ts';
import text from './value-loss-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'value-loss-backward',
  code: [workgroup, { file: 'value-loss-backward.wgsl', text }],
  bindings: { x: 'read', label: 'read', dy: 'read', dx: 'write' },
  params: { size: 'u32' },
  constants: { FLAGS: [false, true] },
});

export const valueLossBackwardKernels: readonly Kernel[] = [backwardKernel];

export const valueLossBackward: Rule<ValueLossEntry> = ({ trace: { x, label, isFlags } }, dy) => [
  [
    x,
    (): Tensor => {
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      const size = elements(x.shape);
      dy.recording.dispatch({
        kernel: backwardKernel,
        bindings: { x, label, dy, dx },
        params: { size },
        constants: { FLAGS: isFlags },
        workgroups: Math.ceil(size / 64),
      });
      return dx;
    },
  ],
];
