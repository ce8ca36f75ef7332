// Numbers of a tensor that are scaled and added to where a rule says so: edits of activations.

import { kernel, type Kernel } from '../../runtime/kernel.ts';
import type { HeadColumns } from '../../runtime/points.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { late, workgroup } from '../snippets.ts';

const editKernel = kernel({
  name: 'edit',
  code: [workgroup, { file: 'edit.wgsl', text: late(() => import('./edit.wgsl?raw')) }],
  bindings: { x: 'read', value: 'read', rule: 'read', place: 'read', y: 'write' },
  params: {
    size: 'u32',
    columns: 'u32',
    first: 'u32',
    heads: 'u32',
    head_size: 'u32',
    tokens: 'u32',
    sequences: 'u32',
    positions: 'u32',
  },
  constants: { HEADS_FIRST: [false, true], EACH: [false, true], PLACED: [false, true] },
});

export const editKernels: readonly Kernel[] = [editKernel];

/** What an edit goes by. All of it may change from play to play. */
export interface Edit {
  /** f32 (head size), one for all; or, where `each`, of each (sequences, positions, heads, head size), as x has them. */
  readonly value: Tensor;
  readonly each: boolean;
  /**
   * f32: what is kept of a number, the factor of the value, then 1 where it acts and 0 elsewhere: for each sequence, each
   * position and each head.
   */
  readonly rule: Tensor;
  readonly sequences: number;
  readonly positions: number;
  /** u32 (B, T, 2): positions and places of tokens, which positions of the rule are by; by their order when absent. */
  readonly place?: Tensor | undefined;
}

/**
 * keep · x + factor · value where the rule says so, x elsewhere. x and result: (B, T, columns), of which `heads` are
 * edited, or (B, heads, T, columns), each row that of a head. It is computed with, not trained.
 */
export function edit(x: Tensor, heads: HeadColumns | undefined, by: Edit): Tensor {
  const { value, each, rule, place, sequences, positions } = by;
  const { recording, shape } = x;
  const columns = x.size(-1);
  const isHeadsFirst = shape.length === 4;
  const sizes = isHeadsFirst
    ? { first: 0, heads: x.size(1), headSize: columns }
    : (heads ?? { first: 0, heads: 1, headSize: columns });
  const y = recording.transient(`${x.label}, edited`, shape);
  const size = elements(shape);
  recording.dispatch({
    kernel: editKernel,
    bindings: { x, value, rule, place, y },
    params: {
      size,
      columns,
      first: sizes.first,
      heads: sizes.heads,
      head_size: sizes.headSize,
      tokens: shape.length === 2 ? 1 : x.size(-2),
      sequences,
      positions,
    },
    constants: { HEADS_FIRST: isHeadsFirst, EACH: each, PLACED: place !== undefined },
    workgroups: Math.ceil(size / 64),
  });
  return y;
}
