// Attention of one new token a sequence over keys and values in a cache.

import type { Kernel, Snippet } from '../../../runtime/kernel.ts';
import { kernel } from '../../../runtime/kernel.ts';
import type { Gpu, Tier } from '../../../runtime/gpu.ts';
import type { Tensor } from '../../../runtime/tensor.ts';
import commonText from './attention-decode-common.wgsl?raw';
import rowText from './attention-decode-row.wgsl?raw';
import tileText from './attention-decode-tile.wgsl?raw';
import {
  attentionScore,
  type ScoreOptions,
  scoreParams,
  scoreSettings,
  scoreSwitches,
} from '../attention-score.ts';
import { cacheStorage, halfPair } from '../heads/cache-storage.ts';
import { allForms, rowForm, type RowKernel, rowKernel } from '../../rows/row-kernel.ts';
import {
  late,
  numbers,
  rowInvocation,
  rowSubgroup,
  rowWorkgroup,
  workgroup,
} from '../../snippets.ts';

const row = { file: 'attention-decode-row.wgsl', text: rowText };
const tile = { file: 'attention-decode-tile.wgsl', text: tileText };

function form(suffix: string, lanes: Snippet, body: Snippet): Kernel {
  return kernel({
    name: `attention-decode-${suffix}`,
    operation: 'attention-decode',
    entry: body === row ? 'attention_decode_row' : 'attention_decode_tile',
    subgroups: suffix === 'subgroup',
    code: [
      workgroup,
      numbers,
      lanes,
      attentionScore,
      halfPair,
      cacheStorage,
      { file: 'attention-decode-common.wgsl', text: commonText },
      body,
    ],
    bindings: {
      q: 'read',
      place: 'read',
      table: 'read',
      bias: 'read',
      cache: 'write',
      y: 'write',
      spill: 'write',
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
      parts: 'u32',
    },
    constants: {
      APPENDS: [false, true],
      CAUSAL: [false, true],
      SPLIT: [false, true],
      ...scoreSwitches,
    },
  });
}

const forms: RowKernel = {
  subgroup: form('subgroup', rowSubgroup, row),
  invocation: form('invocation', rowInvocation, row),
  workgroup: form('tile', rowWorkgroup, tile),
};

const mergeForms = rowKernel({
  name: 'attention-merge',
  code: [
    workgroup,
    numbers,
    { file: 'attention-merge.wgsl', text: late(() => import('./attention-merge.wgsl?raw')) },
  ],
  bindings: { sums: 'read', y: 'write' },
  params: { rows: 'u32', parts: 'u32', head_size: 'u32' },
});

export const attentionDecodeKernels: readonly Kernel[] = [
  ...allForms(forms),
  ...allForms(mergeForms),
];

/** Hides a place of a block table: padding. */
export const hiddenSlot: number = 2 ** 32 - 1;

/**
 * Where the keys and values of sequences lie in a cache: "block tables", PagedAttention (Kwon et al.
 * 2023, arXiv 2309.06180, §4.1), with blocks of one token.
 */
export interface BlockTable {
  /** (R, capacity) u32: the slot of each of a sequence's tokens, in order; `hiddenSlot` hides it */
  readonly table: Tensor;
  /** (R, T, 2) u32: the position of each new token, and its place in the table */
  readonly place: Tensor;
}

export interface DecodeInputs extends ScoreOptions {
  /** The query from column q on, (R, 1, …); with k and v, the token joins the cache. */
  readonly projections: Tensor;
  readonly starts: { readonly q: number; readonly k?: number; readonly v?: number };
  /** (slots, 2 · keyValueHeads · headSize) f32 or f16: the heads of a slot's key, then those of its value */
  readonly cache: Tensor;
  /** (1) u32: becomes 1 where a cache in f16 cannot hold what joins it. */
  readonly spill?: Tensor | undefined;
  readonly table: Tensor;
  /** None where the query sees all of the table. */
  readonly place?: Tensor;
  /** Parts that the keys of a row are shared among; by shapes when absent. */
  readonly parts?: number;
}

/**
 * Keys that a part has at least where a table is full, and rows that fill a device: on CPU adapters those
 * of two workgroups without subgroups, whose invocations a single row would leave idle.
 */
const splitting: Readonly<Record<Tier, { readonly keys: number; readonly rows: number }>> = {
  gpu: { keys: 128, rows: 512 },
  software: { keys: 512, rows: 32 },
};
const mostParts = 32;

/** Few rows leave most of a device idle: their keys are shared among so many parts. */
function partsOf(gpu: Gpu, rows: number, capacity: number): number {
  if (gpu.tier === 'software' && gpu.hasQuadSubgroups) return 1;
  const { keys, rows: wanted } = splitting[gpu.tier];
  return Math.max(1, Math.min(mostParts, Math.floor(capacity / keys), Math.ceil(wanted / rows)));
}

/**
 * Attention of one query a sequence over the slots of its table; causal, up to the token's own place,
 * where there is one. Result: (R, 1, heads · headSize).
 */
export function attentionDecode(inputs: DecodeInputs): Tensor {
  const { projections, starts, cache, spill, place, table, heads, headSize } = inputs;
  const { recording } = projections;
  const { gpu } = recording;
  const { bound: bias, params, switches } = scoreSettings(inputs);
  const batches = projections.size(0);
  const rows = batches * heads;
  const { parts = partsOf(gpu, rows, table.size(1)) } = inputs;
  const isSplit = parts > 1;
  const y = recording.transient('attention', [batches, 1, heads * headSize]);
  const sums = isSplit
    ? recording.transient('attention, parts', [batches, heads, parts, headSize + 2])
    : y;
  recording.dispatch({
    ...rowForm(forms, gpu, rows * parts),
    bindings: { q: projections, place, table, bias, cache, y: sums, spill },
    params: {
      batches,
      heads,
      capacity: table.size(1),
      head_size: headSize,
      q_pitch: projections.pitch,
      q_start: starts.q,
      k_start: starts.k ?? 0,
      v_start: starts.v ?? 0,
      ...params,
      parts,
    },
    constants: {
      APPENDS: starts.k !== undefined,
      CAUSAL: place !== undefined,
      SPLIT: isSplit,
      ...switches,
    },
    // The memory of an encoder is written by its own list, or before; here nothing joins it.
    parts: ['cache'],
  });
  if (isSplit) {
    recording.dispatch({
      ...rowForm(mergeForms, gpu, rows),
      bindings: { sums, y },
      params: { rows, parts, head_size: headSize },
    });
  }
  return y;
}
