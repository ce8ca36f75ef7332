// The gradient of mixtures of layers.

import { kernel, type Kernel } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { multiplied } from '../../elementwise/column-scale.ts';
import { joinColumns } from '../../elementwise/join-columns.ts';
import { type LayerMixEntry, share } from '../../elementwise/layer-mix.ts';
import { workgroup } from '../../snippets.ts';
import type { Rule } from '../../traces.ts';
import { total } from './column-sum.ts';
import text from './layer-mix-backward.wgsl?raw';

const backwardKernel = kernel({
  name: 'layer-mix-backward',
  code: [workgroup, { file: 'layer-mix-backward.wgsl', text }],
  bindings: { scores: 'read', products: 'read', d_scores: 'write' },
  params: { layers: 'u32' },
});

export const layerMixBackwardKernels: readonly Kernel[] = [backwardKernel];

export const layerMixBackward: Rule<LayerMixEntry> = ({ trace: { outputs, scores } }, dy) => {
  const { recording } = dy;
  const ofScores = (): Tensor => {
    const label = `d ${scores.label}`;
    const productOf = (x: Tensor): Tensor => total(multiplied(dy, x, { label }), label);
    const [first, ...others] = outputs;
    const products = joinColumns([productOf(first), ...others.map(productOf)], label);
    const d_scores = recording.transient(label, scores.shape);
    recording.dispatch({
      kernel: backwardKernel,
      bindings: { scores, products, d_scores },
      params: { layers: elements(scores.shape) },
      workgroups: Math.ceil(elements(scores.shape) / 64),
    });
    return d_scores;
  };
  return [
    ...outputs.map((x, index) => [x, () => share(dy, scores, index)] as const),
    [scores, ofScores],
  ];
};
