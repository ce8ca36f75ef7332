// Attention of one new token a sequence: over a key–value cache, and over the encoder's output.

import type { Kernel, Snippet } from '../../runtime/kernel.ts';
import { kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import crossText from './attention-cross.wgsl?raw';
import decodeText from './attention-decode.wgsl?raw';
import rowCommonText from './attention-row-common.wgsl?raw';
import rowTileText from './attention-row-tile.wgsl?raw';
import rowText from './attention-row.wgsl?raw';
import {
  attentionScore,
  type Columns,
  type ScoreOptions,
  scoreParams,
  scoreSettings,
  scoreSwitches,
} from './attention.ts';
import { allForms, rowForm, type RowKernel } from '../rows/row-kernel.ts';
import { numbers, rowInvocation, rowSubgroup, rowWorkgroup, workgroup } from '../snippets.ts';

/** The three forms of one operation: they share its bindings and differ in how a row is worked on. */
function forms(
  operation: string,
  bindingText: string,
  declaration: Pick<Kernel, 'bindings' | 'params'> & Partial<Kernel>,
  pieces: readonly Snippet[],
): RowKernel {
  const bindings = { file: `${operation}.wgsl`, text: bindingText };
  const rowCommon = { file: 'attention-row-common.wgsl', text: rowCommonText };
  const row = { file: 'attention-row.wgsl', text: rowText };
  const rowTile = { file: 'attention-row-tile.wgsl', text: rowTileText };
  const form = (suffix: string, lanes: Snippet, body: Snippet): Kernel =>
    kernel({
      ...declaration,
      name: `${operation}-${suffix}`,
      operation,
      entry: body === row ? 'attention_row' : 'attention_row_tile',
      subgroups: suffix === 'subgroup',
      code: [workgroup, numbers, lanes, ...pieces, bindings, rowCommon, body],
    });
  return {
    subgroup: form('subgroup', rowSubgroup, row),
    invocation: form('invocation', rowInvocation, row),
    workgroup: form('tile', rowWorkgroup, rowTile),
  };
}

const decodeForms = forms(
  'attention-decode',
  decodeText,
  {
    bindings: {
      q: 'read',
      place: 'read',
      rows: 'read',
      bias: 'read',
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
      ...scoreParams,
    },
    // All keys of the cache come before the query.
    constants: { APPENDS: [false, true], ...scoreSwitches, CAUSAL: [false] },
  },
  [attentionScore],
);

const crossForms = forms(
  'attention-cross',
  crossText,
  {
    bindings: { q: 'read', k: 'read', v: 'read', key_mask: 'read', y: 'write' },
    params: {
      batches: 'u32',
      heads: 'u32',
      beams: 'u32',
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
    constants: { APPENDS: [false] },
  },
  [],
);

export const attentionDecodeKernels: readonly Kernel[] = [
  ...allForms(decodeForms),
  ...allForms(crossForms),
];

/** The keys and values of the tokens decoded so far. */
export interface KeyValueCache {
  /** (R, capacity, keyValueHeads · headSize) */
  readonly k: Tensor;
  /** (R, capacity, keyValueHeads · headSize) */
  readonly v: Tensor;
}

/** Where the tokens of a step stand, and which keys each sequence sees. */
export interface CachePlaces {
  /** (R, T, 2) u32: the position of each token, and its slot in the cache */
  readonly place: Tensor;
  /** (R, capacity) u32: the row of the cache that holds each slot's key; 2³² - 1 hides it */
  readonly rows: Tensor;
}

export interface DecodeInputs extends ScoreOptions, CachePlaces {
  /** The new token's query from column q on, (R, 1, …); with k and v, they join the cache. */
  readonly projections: Tensor;
  readonly starts: { readonly q: number; readonly k?: number; readonly v?: number };
  readonly cache: KeyValueCache;
}

/**
 * Causal self-attention of one new token a sequence over its cache, up to the token's own slot.
 * Result: (R, 1, heads · headSize).
 */
export function attentionDecode(inputs: DecodeInputs): Tensor {
  const { projections, starts, cache, place, rows, heads, headSize, bias } = inputs;
  const { recording } = projections;
  const { params, switches } = scoreSettings(inputs);
  const batches = projections.size(0);
  const y = recording.transient('attention', [batches, 1, heads * headSize]);
  recording.dispatch({
    ...rowForm(decodeForms, recording.gpu, batches * heads),
    bindings: { q: projections, place, rows, bias, k: cache.k, v: cache.v, y },
    params: {
      batches,
      heads,
      capacity: cache.k.size(1),
      head_size: headSize,
      q_pitch: projections.pitch,
      q_start: starts.q,
      k_start: starts.k ?? 0,
      v_start: starts.v ?? 0,
      ...params,
    },
    constants: { APPENDS: starts.k !== undefined, ...switches, CAUSAL: false },
  });
  return y;
}

export interface CrossInputs extends Pick<ScoreOptions, 'heads' | 'headSize' | 'scale'> {
  /** (R, 1, …) */
  readonly q: Columns;
  /** (B, S, …); R is a multiple of B, and neighbouring rows share a source. */
  readonly k: Columns;
  /** (B, S, …) */
  readonly v: Columns;
  /** (B, S), 0 = padding */
  readonly keyMask: Tensor;
}

/** Attention of one query a sequence over fixed keys and values. Result: (R, 1, heads · headSize). */
export function attentionCross(inputs: CrossInputs): Tensor {
  const { q, k, v, keyMask, heads, headSize, scale = headSize ** -0.5 } = inputs;
  const { recording } = q.tensor;
  const batches = q.tensor.size(0);
  const y = recording.transient('attention', [batches, 1, heads * headSize]);
  recording.dispatch({
    ...rowForm(crossForms, recording.gpu, batches * heads),
    bindings: { q: q.tensor, k: k.tensor, v: v.tensor, key_mask: keyMask, y },
    params: {
      batches,
      heads,
      beams: batches / k.tensor.size(0),
      keys: k.tensor.size(1),
      head_size: headSize,
      q_pitch: q.tensor.pitch,
      q_start: q.start,
      k_pitch: k.tensor.pitch,
      k_start: k.start,
      v_pitch: v.tensor.pitch,
      v_start: v.start,
      scale,
    },
    constants: { APPENDS: false },
  });
  return y;
}
