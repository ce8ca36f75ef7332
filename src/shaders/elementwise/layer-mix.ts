// Mixtures of the layers of a stack.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Traced } from '../traces.ts';

const layerMixKernel = kernel({
  name: 'layer-mix',
  code: [workgroup, { file: 'layer-mix.wgsl', text: late(() => import('./layer-mix.wgsl?raw')) }],
  bindings: { x: 'read', scores: 'read', sum: 'read', y: 'write' },
  params: { size: 'u32', layers: 'u32', index: 'u32' },
  constants: { HAS_SUM: [false, true] },
});

export const layerMixKernels: readonly Kernel[] = [layerMixKernel];

export type LayerMixEntry = Traced<
  'layer-mix',
  { readonly outputs: readonly [Tensor, ...Tensor[]]; readonly scores: Tensor }
>;

/**
 * The sum of the outputs of layers, weighted by the softmax of their scores ("Deep contextualized word
 * representations", Peters et al., 2018, arXiv 1802.05365, eq. 1). outputs: (…) each; scores: (layers).
 */
export function mixLayers(outputs: readonly [Tensor, ...Tensor[]], scores: Tensor): Tensor {
  const [first, ...others] = outputs;
  const y = others.reduce<Tensor>(
    (sum, x, i) => share(x, scores, i + 1, sum),
    share(first, scores, 0),
  );
  first.recording.differentiate({
    op: 'layer-mix',
    output: y,
    inputs: [...outputs, scores],
    trace: { outputs, scores },
  } satisfies LayerMixEntry);
  return y;
}

/** The share that x, the output of a layer or a gradient, has in a mixture, added to `sum`. */
export function share(x: Tensor, scores: Tensor, index: number, sum?: Tensor): Tensor {
  const size = elements(x.shape);
  const y = x.recording.transient('mixture of layers', x.shape);
  x.recording.dispatch({
    kernel: layerMixKernel,
    bindings: { x, scores, sum, y },
    params: { size, layers: elements(scores.shape), index },
    constants: { HAS_SUM: sum !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
