// Mixtures of the layers of a stack.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const layerMixKernel = kernel({
  name: 'layer-mix',
  code: [workgroup, { file: 'layer-mix.wgsl', text: late(() => import('./layer-mix.wgsl?raw')) }],
  bindings: { x: 'read', scores: 'read', sum: 'read', y: 'write' },
  params: { size: 'u32', layers: 'u32', index: 'u32' },
  constants: { HAS_SUM: [false, true] },
});

export const layerMixKernels: readonly Kernel[] = [layerMixKernel];

/**
 * The sum of the outputs of layers, weighted by the softmax of their scores ("Deep contextualized word
 * representations", Peters et al., 2018, arXiv 1802.05365, eq. 1). outputs: (…) each; scores: (layers). It has no
 * gradient yet.
 */
export function mixLayers(outputs: readonly [Tensor, ...Tensor[]], scores: Tensor): Tensor {
  const [{ recording, shape }] = outputs;
  const size = elements(shape);
  const mix = (sum: Tensor | undefined, x: Tensor, index: number): Tensor => {
    const y = recording.transient('mixture of layers', shape);
    recording.dispatch({
      kernel: layerMixKernel,
      bindings: { x, scores, sum, y },
      params: { size, layers: outputs.length, index },
      constants: { HAS_SUM: sum !== undefined },
      workgroups: Math.ceil(size / 64),
    });
    return y;
  };
  const [first, ...others] = outputs;
  return others.reduce<Tensor>((sum, x, i) => mix(sum, x, i + 1), mix(undefined, first, 0));
}
