// Which token of a detector stands for which object: the matching of "End-to-End Object Detection with
// Transformers" (Carion et al., 2020, arXiv 2005.12872), §3.1. It is found where the logits are.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { softmax } from '../rows/softmax.ts';
import { late, workgroup } from '../snippets.ts';
import { boxOverlap } from './box-loss.ts';

const costKernel = kernel({
  name: 'box-costs',
  code: [
    workgroup,
    boxOverlap,
    { file: 'box-costs.wgsl', text: late(() => import('./box-costs.wgsl?raw')) },
  ],
  bindings: {
    probabilities: 'read',
    boxes: 'read',
    classes: 'read',
    places: 'read',
    costs: 'write',
  },
  params: {
    size: 'u32',
    queries: 'u32',
    room: 'u32',
    columns: 'u32',
    class_cost: 'f32',
    box_cost: 'f32',
    overlap_cost: 'f32',
  },
});

const matchKernel = kernel({
  name: 'match-boxes',
  code: [
    workgroup,
    { file: 'match-boxes.wgsl', text: late(() => import('./match-boxes.wgsl?raw')) },
  ],
  bindings: {
    costs: 'read',
    sizes: 'read',
    u: 'write',
    v: 'write',
    least: 'write',
    way: 'write',
    matched: 'write',
  },
  params: { batches: 'u32', queries: 'u32', room: 'u32', object: 'u32' },
});

const labelKernel = kernel({
  name: 'match-labels',
  code: [
    workgroup,
    { file: 'match-labels.wgsl', text: late(() => import('./match-labels.wgsl?raw')) },
  ],
  bindings: { matched: 'read', classes: 'read', shares: 'read', label: 'write', weights: 'write' },
  params: { size: 'u32', queries: 'u32', room: 'u32', nothing: 'u32', rest: 'f32' },
});

export const matchBoxesKernels: readonly Kernel[] = [costKernel, matchKernel, labelKernel];

/** The objects of each image, `room` at most. */
export interface Objects {
  /** u32 (B, room) */
  readonly classes: Tensor;
  /** (B, room, 4): centre, width and height */
  readonly places: Tensor;
  /** u32 (B): how many there are */
  readonly sizes: Tensor;
  /** (2): what the losses of a class and of a box are multiplied by */
  readonly shares: Tensor;
}

/** What a match costs: for the probability of the class, the distance of the boxes, their overlap. */
export interface MatchCosts {
  readonly class: number;
  readonly box: number;
  readonly overlap: number;
}

/**
 * The matching that costs least. logits: (B, queries, C), boxes: (B, queries, 4); no image has more objects than
 * queries. Result: u32 (B, queries + 1), the object of each token from column 1 on, counted from 1; 0 = nothing.
 */
export function matchBoxes(
  logits: Tensor,
  boxes: Tensor,
  objects: Objects,
  by: MatchCosts,
): Tensor {
  const { recording } = logits;
  const { sizes, classes } = objects;
  const [batches, queries, room] = [logits.size(0), logits.size(1), classes.size(1)];
  const costs = boxCosts(logits, boxes, objects, by);
  const state = {
    u: recording.persistent('potentials of objects', [batches, room + 1]),
    v: recording.persistent('potentials of tokens', [batches, queries + 1]),
    least: recording.persistent('nearest tokens', [batches, queries + 1]),
    way: recording.persistent('ways to tokens', [batches, queries + 1], 'u32'),
    matched: recording.persistent('matched objects', [batches, queries + 1], 'u32'),
  };
  for (let object = 0; object < room; object++) {
    recording.dispatch({
      kernel: matchKernel,
      bindings: { costs, sizes, ...state },
      params: { batches, queries, room, object },
      workgroups: Math.ceil(batches / 64),
    });
  }
  return state.matched;
}

/**
 * What tokens are to name, u32 (B, queries), and what each of them counts, (B · queries): those without an object
 * name `nothing`, which counts `rest`.
 */
export function matchedLabels(
  matched: Tensor,
  { classes, shares }: Objects,
  { nothing, rest }: { readonly nothing: number; readonly rest: number },
): { label: Tensor; weights: Tensor } {
  const { recording } = matched;
  const [batches, queries] = [matched.size(0), matched.size(1) - 1];
  const size = batches * queries;
  const label = recording.transient('matched classes', [batches, queries], 'u32');
  const weights = recording.transient('weights of classes', [size]);
  recording.dispatch({
    kernel: labelKernel,
    bindings: { matched, classes, shares, label, weights },
    params: { size, queries, room: classes.size(1), nothing, rest },
    workgroups: Math.ceil(size / 64),
  });
  return { label, weights };
}

/** What each object of an image costs with each token: (B, room, queries). Arguments as of `matchBoxes`. */
export function boxCosts(
  logits: Tensor,
  boxes: Tensor,
  { classes, places }: Objects,
  by: MatchCosts,
): Tensor {
  const { recording } = logits;
  const [batches, queries, room] = [logits.size(0), logits.size(1), classes.size(1)];
  const costs = recording.transient('costs of matches', [batches, room, queries]);
  const size = elements(costs.shape);
  recording.dispatch({
    kernel: costKernel,
    bindings: { probabilities: softmax(logits), boxes, classes, places, costs },
    params: {
      size,
      queries,
      room,
      columns: logits.size(-1),
      class_cost: by.class,
      box_cost: by.box,
      overlap_cost: by.overlap,
    },
    workgroups: Math.ceil(size / 64),
  });
  return costs;
}
