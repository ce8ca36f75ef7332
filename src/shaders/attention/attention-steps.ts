// What fused attention does at a time, step by step, for scores or weights that somebody has changed in between.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, numbers, workgroup } from '../snippets.ts';

const softmaxKernel = kernel({
  name: 'attention-shares',
  code: [
    workgroup,
    numbers,
    { file: 'attention-shares.wgsl', text: late(() => import('./attention-shares.wgsl?raw')) },
  ],
  bindings: { scores: 'read', sinks: 'read', weights: 'write' },
  params: { rows: 'u32', keys: 'u32', queries: 'u32', heads: 'u32' },
  constants: { HAS_SINK: [false, true] },
});

const mixKernel = kernel({
  name: 'attention-mix',
  code: [
    workgroup,
    { file: 'attention-mix.wgsl', text: late(() => import('./attention-mix.wgsl?raw')) },
  ],
  bindings: { weights: 'read', v: 'read', y: 'write' },
  params: {
    size: 'u32',
    heads: 'u32',
    queries: 'u32',
    keys: 'u32',
    head_size: 'u32',
    v_pitch: 'u32',
    v_start: 'u32',
    group: 'u32',
  },
});

export const attentionStepKernels: readonly Kernel[] = [softmaxKernel, mixKernel];

/** The steps from scores on. They are computed with, not trained. */
export interface AttentionSteps {
  /** Appends the softmax of scores, (B, heads, T, S): 0 where they are the lowest number. */
  softmax(scores: Tensor): Tensor;
  /** Appends what weights make of the values: (B, heads, T, S) to (B, T, heads · headSize). */
  mix(weights: Tensor): Tensor;
}

interface Values {
  /** (B, S, …): the values are its columns from `start` on. */
  readonly tensor: Tensor;
  readonly start: number;
  readonly headSize: number;
  /** Neighbouring heads that share those of one. */
  readonly group: number;
  /** The score of a key without a value, (heads). */
  readonly sinks: Tensor | undefined;
}

export function attentionSteps({ tensor, start, headSize, group, sinks }: Values): AttentionSteps {
  const { recording } = tensor;
  return {
    softmax(scores) {
      const [heads, queries, keys] = [scores.size(1), scores.size(2), scores.size(3)];
      const rows = elements(scores.shape) / keys;
      const weights = recording.transient('attention weights', scores.shape);
      recording.dispatch({
        kernel: softmaxKernel,
        bindings: { scores, sinks, weights },
        params: { rows, keys, queries, heads },
        constants: { HAS_SINK: sinks !== undefined },
        workgroups: Math.ceil(rows / 64),
      });
      return weights;
    },
    mix(weights) {
      const [batches, heads, queries, keys] = [0, 1, 2, 3].map((axis) => weights.size(axis));
      const shape = [batches ?? 1, queries ?? 1, (heads ?? 1) * headSize];
      const y = recording.transient('attention', shape);
      const size = elements(shape);
      recording.dispatch({
        kernel: mixKernel,
        bindings: { weights, v: tensor, y },
        params: {
          size,
          heads: heads ?? 1,
          queries: queries ?? 1,
          keys: keys ?? 1,
          head_size: headSize,
          v_pitch: tensor.pitch,
          v_start: start,
          group,
        },
        workgroups: Math.ceil(size / 64),
      });
      return y;
    },
  };
}
