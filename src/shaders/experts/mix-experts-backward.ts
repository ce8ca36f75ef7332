// The gradients of what experts give together.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { allForms, rowForm, rowKernel } from '../rows/row-kernel.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import outputText from './mix-experts-backward.wgsl?raw';
import sharesText from './mix-experts-backward-shares.wgsl?raw';
import type { MixExpertsEntry } from './mix-experts.ts';

const params = { choices: 'u32', chosen: 'u32', columns: 'u32' } as const;

const outputKernel = kernel({
  name: 'mix-experts-backward',
  code: [workgroup, { file: 'mix-experts-backward.wgsl', text: outputText }],
  bindings: { shares: 'read', dy: 'read', dx: 'write' },
  params,
});

const sharesForms = rowKernel({
  name: 'mix-experts-backward-shares',
  code: [workgroup, { file: 'mix-experts-backward-shares.wgsl', text: sharesText }],
  bindings: { x: 'read', dy: 'read', d_shares: 'write' },
  params,
});

export const mixExpertsBackwardKernels: readonly Kernel[] = [
  outputKernel,
  ...allForms(sharesForms),
];

export const mixExpertsBackward: Rule<MixExpertsEntry> = ({ trace }, dy) => {
  const { x, shares, residual } = trace;
  const { recording } = dy;
  const sizes = { choices: x.size(0), chosen: shares.size(1), columns: x.size(1) };
  const dx = (): Tensor => {
    const y = recording.transient(`d ${x.label}`, x.shape);
    recording.dispatch({
      kernel: outputKernel,
      bindings: { shares, dy, dx: y },
      params: sizes,
      workgroups: Math.ceil(elements(x.shape) / 64),
    });
    return y;
  };
  const dShares = (): Tensor => {
    const d_shares = recording.transient(`d ${shares.label}`, shares.shape);
    recording.dispatch({
      ...rowForm(sharesForms, recording.gpu, sizes.choices),
      bindings: { x, dy, d_shares },
      params: sizes,
    });
    return d_shares;
  };
  return [
    [x, dx],
    [shares, dShares],
    [residual, () => dy],
  ];
};
