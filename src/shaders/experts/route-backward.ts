// The gradient of the shares of experts; which are chosen has none.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './route-tokens-backward.wgsl?raw';
import type { RouteEntry } from './route.ts';

const backwardKernel = kernel({
  name: 'route-tokens-backward',
  code: [workgroup, { file: 'route-tokens-backward.wgsl', text }],
  bindings: {
    logits: 'read',
    experts: 'read',
    shares: 'read',
    d_shares: 'read',
    d_logits: 'write',
  },
  params: { rows: 'u32', experts: 'u32', chosen: 'u32' },
  constants: { AMONG_CHOSEN: [false, true] },
});

export const routeBackwardKernels: readonly Kernel[] = [backwardKernel];

export const routeBackward: Rule<RouteEntry> = ({ trace }, d_shares) => {
  const { logits, experts, shares, amongChosen } = trace;
  const dLogits = (): Tensor => {
    const { recording } = d_shares;
    const d_logits = recording.transient(`d ${logits.label}`, logits.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { logits, experts, shares, d_shares, d_logits },
      params: { rows: shares.size(0), experts: logits.size(-1), chosen: shares.size(1) },
      constants: { AMONG_CHOSEN: amongChosen },
      workgroups: Math.ceil(elements(logits.shape) / 64),
    });
    return d_logits;
  };
  return [[logits, dLogits]];
};
