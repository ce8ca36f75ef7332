// Attention of one new token a sequence: over a key–value cache, and over the encoder's output.

import type { Kernel, Snippet } from '../runtime/kernel.ts';
import { kernel } from '../runtime/kernel.ts';
import type { Tensor } from '../runtime/tensor.ts';
import crossText from './attention-cross.wgsl?raw';
import decodeText from './attention-decode.wgsl?raw';
import rowTileText from './attention-row-tile.wgsl?raw';
import rowText from './attention-row.wgsl?raw';
import type { Columns } from './attention.ts';
import { allForms, rowForm, type RowKernel } from './row-kernel.ts';
import { numbers, rowInvocation, rowSubgroup, rowWorkgroup, workgroup } from './snippets.ts';

/** The three forms of one operation: they share its bindings and differ in how a row is worked on. */
function forms(
  operation: string,
  bindingText: string,
  declaration: Pick<Kernel, 'bindings' | 'params'> & Partial<Kernel>,
): RowKernel {
  const bindings = { file: `${operation}.wgsl`, text: bindingText };
  const row = { file: 'attention-row.wgsl', text: rowText };
  const rowTile = { file: 'attention-row-tile.wgsl', text: rowTileText };
  const form = (suffix: string, lanes: Snippet, body: Snippet): Kernel =>
    kernel({
      ...declaration,
      name: `${operation}-${suffix}`,
      operation,
      entry: body === row ? 'attention_row' : 'attention_row_tile',
      subgroups: suffix === 'subgroup',
      code: [workgroup, numbers, lanes, bindings, body],
    });
  return {
    subgroup: form('subgroup', rowSubgroup, row),
    invocation: form('invocation', rowInvocation, row),
    workgroup: form('tile', rowWorkgroup, rowTile),
  };
}

const decodeForms = forms('attention-decode', decodeText, {
  bindings: {
    q: 'read',
    length: 'read',
    key_mask: 'read',
    k: 'write',
    v: 'write',
    y: 'write',
  },
  params: {
    batches: 'u32',
    heads: 'u32',
    capacity: 'u32',
    head_size: 'u32',
    q_pitch: 'u32',
    q_start: 'u32',
    k_start: 'u32',
    v_start: 'u32',
    scale: 'f32',
  },
  constants: { HAS_MASK: [false, true] },
});

const crossForms = forms('attention-cross', crossText, {
  bindings: { q: 'read', k: 'read', v: 'read', key_mask: 'read', y: 'write' },
  params: {
    batches: 'u32',
    heads: 'u32',
    keys: 'u32',
    head_size: 'u32',
    q_pitch: 'u32',
    q_start: 'u32',
    k_pitch: 'u32',
    k_start: 'u32',
    v_pitch: 'u32',
    v_start: 'u32',
    scale: 'f32',
  },
});

export const attentionDecodeKernels: readonly Kernel[] = [
  ...allForms(decodeForms),
  ...allForms(crossForms),
];

/** The keys and values of the tokens decoded so far. */
export interface KeyValueCache {
  /** (B, capacity, d_model) */
  readonly k: Tensor;
  /** (B, capacity, d_model) */
  readonly v: Tensor;
  /** (B): how many tokens of each sequence the cache holds. */
  readonly length: Tensor;
}

export interface DecodeInputs {
  /** The new token's projections, (B, 1, …), with q, k and v at these columns. */
  readonly projections: Tensor;
  readonly starts: { readonly q: number; readonly k: number; readonly v: number };
  readonly cache: KeyValueCache;
  readonly heads: number;
  readonly headSize: number;
  /** (B, capacity), 0 = padding; everything counts when absent. */
  readonly keyMask?: Tensor;
}

/**
 * Causal self-attention of one new token a sequence. Its key and value are appended to the cache at
 * `length`, which stays as it is until `advance`. Result: (B, 1, heads · headSize).
 */
export function attentionDecode(inputs: DecodeInputs): Tensor {
  const { projections, starts, cache, heads, headSize, keyMask } = inputs;
  const { recording } = projections;
  const batches = projections.size(0);
  const y = recording.transient('attention', [batches, 1, heads * headSize]);
  recording.dispatch({
    ...rowForm(decodeForms, recording.gpu, batches * heads),
    bindings: {
      q: projections,
      length: cache.length,
      key_mask: keyMask,
      k: cache.k,
      v: cache.v,
      y,
    },
    params: {
      batches,
      heads,
      capacity: cache.k.size(1),
      head_size: headSize,
      q_pitch: projections.pitch,
      q_start: starts.q,
      k_start: starts.k,
      v_start: starts.v,
      scale: headSize ** -0.5,
    },
    constants: { HAS_MASK: keyMask !== undefined },
  });
  return y;
}

export interface CrossInputs {
  /** (B, 1, …) */
  readonly q: Columns;
  /** (B, S, …) */
  readonly k: Columns;
  /** (B, S, …) */
  readonly v: Columns;
  /** (B, S), 0 = padding */
  readonly keyMask: Tensor;
  readonly heads: number;
  readonly headSize: number;
}

/** Attention of one query a sequence over fixed keys and values. Result: (B, 1, heads · headSize). */
export function attentionCross({ q, k, v, keyMask, heads, headSize }: CrossInputs): Tensor {
  const { recording } = q.tensor;
  const batches = q.tensor.size(0);
  const y = recording.transient('attention', [batches, 1, heads * headSize]);
  recording.dispatch({
    ...rowForm(crossForms, recording.gpu, batches * heads),
    bindings: { q: q.tensor, k: k.tensor, v: v.tensor, key_mask: keyMask, y },
    params: {
      batches,
      heads,
      keys: k.tensor.size(1),
      head_size: headSize,
      q_pitch: q.tensor.pitch,
      q_start: q.start,
      k_pitch: k.tensor.pitch,
      k_start: k.start,
      v_pitch: v.tensor.pitch,
      v_start: v.start,
      scale: headSize ** -0.5,
    },
  });
  return y;
}
