// Layers that are left out at random while training.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { dropoutParams, drops } from './dropout.ts';
import { late, random, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';

const scalars = { size: 'u32', site: 'u32', drop_below: 'u32' } as const;

const layerDropKernel = kernel({
  name: 'layer-drop',
  code: [
    workgroup,
    random,
    { file: 'layer-drop.wgsl', text: late(() => import('./layer-drop.wgsl?raw')) },
  ],
  bindings: { given: 'read', output: 'read', random: 'read', y: 'write' },
  params: scalars,
  constants: { HAS_GIVEN: [false, true], HAS_OUTPUT: [false, true] },
});

export const layerDropKernels: readonly Kernel[] = [layerDropKernel];

export type LayerDropEntry = Traced<
  'layer-drop',
  { readonly given: Tensor; readonly output: Tensor; readonly params: Scalars<typeof scalars> }
>;

/**
 * The output of a layer, or at this rate what the layer was given: one draw for the whole batch. Just the output where
 * the recording has no random numbers. LayerDrop, "Reducing Transformer Depth on Demand with Structured Dropout" (Fan
 * et al., 2019, arXiv 1909.11556), §3.2. Departs from the paper, as Hugging Face does: outputs are not scaled.
 */
export function dropLayer(given: Tensor, output: Tensor, rate: number): Tensor {
  const { recording } = output;
  if (!drops(recording, rate)) return output;
  const { site, drop_below } = dropoutParams(recording, rate);
  const params = { size: elements(output.shape), site, drop_below };
  const y = chosen({ given, output }, output, params);
  recording.differentiate({
    op: 'layer-drop',
    output: y,
    inputs: [given, output],
    trace: { given, output, params },
  } satisfies LayerDropEntry);
  return y;
}

/** One of the two, by the random numbers of these scalars; zeros in place of one that is absent. Shaped like `like`. */
export function chosen(
  { given, output }: { readonly given?: Tensor; readonly output?: Tensor },
  like: Tensor,
  params: LayerDropEntry['trace']['params'],
): Tensor {
  const { recording } = like;
  const y = recording.transient(like.label, like.shape);
  recording.dispatch({
    kernel: layerDropKernel,
    bindings: { given, output, random: recording.random, y },
    params: { ...params },
    constants: { HAS_GIVEN: given !== undefined, HAS_OUTPUT: output !== undefined },
    workgroups: Math.ceil(params.size / 64),
  });
  return y;
}
