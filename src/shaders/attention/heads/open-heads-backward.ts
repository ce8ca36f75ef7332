// The gradient of gates behind attention, and of what they let through.

import { once } from '../../../runtime/gradient.ts';
import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements } from '../../../runtime/tensor.ts';
import { workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';
import text from './open-heads-backward.wgsl?raw';
import type { OpenHeadsEntry } from './open-heads.ts';

const backwardKernel = kernel({
  name: 'open-heads-backward',
  code: [workgroup, { file: 'open-heads-backward.wgsl', text }],
  bindings: { x: 'read', gate: 'read', dy: 'read', dx: 'write', d_gate: 'write' },
  params: { size: 'u32', share: 'u32' },
});

export const openHeadsBackwardKernels: readonly Kernel[] = [backwardKernel];

export const openHeadsBackward: Rule<OpenHeadsEntry> = ({ trace: { x, gate } }, dy) => {
  const { recording } = dy;
  const both = once(() => {
    const dx = recording.transient(`d ${x.label}`, x.shape);
    const d_gate = recording.transient(`d ${gate.label}`, gate.shape);
    const [size, gates] = [elements(x.shape), elements(gate.shape)];
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { x, gate, dy, dx, d_gate },
      params: { size, share: size / gates },
      workgroups: Math.ceil(gates / 64),
    });
    return { dx, d_gate };
  });
  return [
    [x, () => both().dx],
    [gate, () => both().d_gate],
  ];
};
