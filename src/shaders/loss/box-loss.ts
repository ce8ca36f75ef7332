// The loss of boxes that were matched: "End-to-End Object Detection with Transformers" (Carion et al., 2020,
// arXiv 2005.12872), §3.1.

import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';
import type { Scalars, Traced } from '../traces.ts';
import type { Objects } from './match-boxes.ts';

export const boxOverlap: Snippet = {
  file: 'box-overlap.wgsl',
  text: late(() => import('./box-overlap.wgsl?raw')),
};

export const boxLossParams = {
  size: 'u32',
  queries: 'u32',
  room: 'u32',
  distance: 'f32',
  overlap: 'f32',
} as const;

const lossKernel = kernel({
  name: 'box-loss',
  code: [
    workgroup,
    boxOverlap,
    { file: 'box-loss.wgsl', text: late(() => import('./box-loss.wgsl?raw')) },
  ],
  bindings: { boxes: 'read', matched: 'read', places: 'read', shares: 'read', y: 'write' },
  params: boxLossParams,
});

export const boxLossKernels: readonly Kernel[] = [lossKernel];

export type BoxLossEntry = Traced<
  'box-loss',
  {
    readonly boxes: Tensor;
    readonly matched: Tensor;
    readonly objects: Objects;
    readonly params: Scalars<typeof boxLossParams>;
  }
>;

/** What the distance of two boxes counts, and what they do not share. */
export interface BoxLossOptions {
  readonly distance: number;
  readonly overlap: number;
}

/** boxes: (B, queries, 4), matched: see `matchBoxes`. Result: (B · queries), 0 of tokens without an object. */
export function boxLoss(
  boxes: Tensor,
  matched: Tensor,
  objects: Objects,
  { distance, overlap }: BoxLossOptions,
): Tensor {
  const { recording } = boxes;
  const { places, shares } = objects;
  const [batches, queries] = [boxes.size(0), boxes.size(1)];
  const size = batches * queries;
  const params = { size, queries, room: places.size(1), distance, overlap };
  const y = recording.transient('losses of boxes', [size]);
  recording.dispatch({
    kernel: lossKernel,
    bindings: { boxes, matched, places, shares, y },
    params,
    workgroups: Math.ceil(size / 64),
  });
  recording.differentiate({
    op: 'box-loss',
    output: y,
    inputs: [boxes],
    trace: { boxes, matched, objects, params },
  } satisfies BoxLossEntry);
  return y;
}
