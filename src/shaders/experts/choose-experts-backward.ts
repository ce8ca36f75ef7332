// The gradient of the shares of experts that scores of their own chose; which are chosen has none.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { workgroup } from '../snippets.ts';
import type { Rule } from '../traces.ts';
import text from './choose-experts-backward.wgsl?raw';
import type { ChooseExpertsEntry } from './choose-experts.ts';

const backwardKernel = kernel({
  name: 'choose-experts-backward',
  code: [workgroup, { file: 'choose-experts-backward.wgsl', text }],
  bindings: {
    scores: 'read',
    experts: 'read',
    shares: 'read',
    d_shares: 'read',
    d_scores: 'write',
  },
  params: { rows: 'u32', experts: 'u32', chosen: 'u32', scale: 'f32' },
  constants: { AMONG_CHOSEN: [false, true] },
});

export const chooseExpertsBackwardKernels: readonly Kernel[] = [backwardKernel];

export const chooseExpertsBackward: Rule<ChooseExpertsEntry> = ({ trace }, d_shares) => {
  const { scores, experts, shares, amongChosen, scale } = trace;
  const dScores = (): Tensor => {
    const { recording } = d_shares;
    const d_scores = recording.transient(`d ${scores.label}`, scores.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { scores, experts, shares, d_shares, d_scores },
      params: { rows: shares.size(0), experts: scores.size(-1), chosen: shares.size(1), scale },
      constants: { AMONG_CHOSEN: amongChosen },
      workgroups: Math.ceil(elements(scores.shape) / 64),
    });
    return d_scores;
  };
  return [[scores, dScores]];
};
