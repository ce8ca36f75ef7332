// Fused scaled dot-product attention, and its weights on request.

import { kernel, type Kernel, type Snippet } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import commonText from './attention-common.wgsl?raw';
import indexText from './attention-index.wgsl?raw';
import dropoutText from './attention-dropout.wgsl?raw';
import scoreText from './attention-score.wgsl?raw';
import { dropoutParams, drops } from '../elementwise/dropout.ts';
import { late, numbers, random, workgroup } from '../snippets.ts';
import type { AttentionEntry } from './attention-entry.ts';

const common = { file: 'attention-common.wgsl', text: commonText };
/** Where queries and outputs lie. */
export const attentionIndex: Snippet = { file: 'attention-index.wgsl', text: indexText };
const dropout = { file: 'attention-dropout.wgsl', text: dropoutText };
/** Rows by fours, on CPU adapters. */
export const attentionFour: Snippet = {
  file: 'attention-four.wgsl',
  text: late(() => import('./attention-four.wgsl?raw'), 'software'),
};
/** Scores and sight, for kernels with the params of `scoreParams`. */
export const attentionScore: Snippet = { file: 'attention-score.wgsl', text: scoreText };

/** What the scores depend on besides q and k; `scoreSwitches` tells which of it counts. */
export const scoreParams = {
  group: 'u32',
  scale: 'f32',
  softcap: 'f32',
  window: 'u32',
  reach: 'u32',
} as const;
export const scoreSwitches = {
  WINDOWED: [false, true],
  SOFTCAP: [false, true],
  HAS_BIAS: [false, true],
} as const;

const shape = {
  batches: 'u32',
  heads: 'u32',
  queries: 'u32',
  keys: 'u32',
  head_size: 'u32',
  q_pitch: 'u32',
  q_start: 'u32',
  k_pitch: 'u32',
  k_start: 'u32',
} as const;

function attentionKernel(
  name: string,
  text: Snippet['text'],
  { code = [], ...more }: Partial<Kernel> = {},
): Kernel {
  return kernel({
    name,
    operation: 'attention',
    code: [
      workgroup,
      numbers,
      random,
      attentionIndex,
      common,
      attentionScore,
      dropout,
      ...code,
      { file: `${name}.wgsl`, text },
    ],
    bindings: {
      q: 'read',
      k: 'read',
      v: 'read',
      key_mask: 'read',
      state: 'read',
      bias: 'read',
      y: 'write',
      lse: 'write',
    },
    params: {
      ...shape,
      v_pitch: 'u32',
      v_start: 'u32',
      ...scoreParams,
      site: 'u32',
      drop_below: 'u32',
      keep_scale: 'f32',
    },
    ...more,
    constants: {
      CAUSAL: [false, true],
      DROPOUT: [false, true],
      CACHED: [false, true],
      ...scoreSwitches,
      ...more.constants,
    },
  });
}

const subgroup = attentionKernel(
  'attention-subgroup',
  late(() => import('./attention-subgroup.wgsl?raw'), 'software'),
  {
    subgroups: true,
  },
);
const register = attentionKernel(
  'attention-register',
  late(() => import('./attention-register.wgsl?raw'), 'software'),
  { code: [attentionFour] },
);
const tile = attentionKernel(
  'attention-tile',
  late(() => import('./attention-tile.wgsl?raw'), 'gpu'),
  {
    constants: { CHUNKS: [1, 2, 3] },
  },
);

const weightsKernel = kernel({
  name: 'attention-weights',
  code: [
    workgroup,
    attentionScore,
    { file: 'attention-weights.wgsl', text: late(() => import('./attention-weights.wgsl?raw')) },
  ],
  bindings: {
    q: 'read',
    k: 'read',
    key_mask: 'read',
    lse: 'read',
    bias: 'read',
    weights: 'write',
  },
  params: { ...shape, ...scoreParams },
  constants: { CAUSAL: [false, true], ...scoreSwitches },
});

export const attentionKernels: readonly Kernel[] = [subgroup, register, tile, weightsKernel];

/** Columns `start` onwards of a tensor's rows, head after head. */
export interface Columns {
  readonly tensor: Tensor;
  readonly start: number;
}

/** What makes the scores, and which keys are in sight. */
export interface ScoreOptions {
  readonly heads: number;
  readonly headSize: number;
  /** Heads of k and v, each shared by neighbouring heads of q; `heads` when absent. */
  readonly keyValueHeads?: number;
  /** Factor of the scores; 1/√d_k when absent. */
  readonly scale?: number;
  /** Scores s become softcap · tanh(s / softcap); as they are when absent. */
  readonly softcap?: number | undefined;
  /** How many keys before its own place a query sees, its own included; all when absent. */
  readonly window?: number | undefined;
  /** Added to the scores, by distance from key to query: (2 · reach + 1, heads). */
  readonly bias?: Tensor | undefined;
}

export interface AttentionInputs extends ScoreOptions {
  /** (B, T, …) */
  readonly q: Columns;
  /** (B, S, …) */
  readonly k: Columns;
  /** (B, S, …) */
  readonly v: Columns;
  /** (B, S), 0 = padding. */
  readonly keyMask?: Tensor;
  /** Instead of a mask, where k and v are columns of a cache, (slots, …): (B, S), see `BlockTable`. */
  readonly table?: Tensor;
  /** The position of each query and its place in the table: (B, T, 2); a sequence's places in a row. */
  readonly place?: Tensor | undefined;
  /** Hides the keys after each query's own place. */
  readonly causal: boolean;
  /** Rate of dropout of the softmax weights, in recordings with random numbers; 0 when absent. */
  readonly dropout?: number;
}

export interface AttentionResult {
  /** (B, T, heads · headSize) */
  readonly output: Tensor;
  /** Appends the softmax weights, none of them dropped, to the recording. (B, heads, T, S) */
  weights(): Tensor;
}

/** The params and switches of scores. */
export interface ScoreSettings {
  readonly params: Readonly<Record<keyof typeof scoreParams, number>>;
  readonly switches: Readonly<Record<keyof typeof scoreSwitches, boolean>>;
}

export function scoreSettings(options: ScoreOptions): ScoreSettings {
  const { heads, headSize, keyValueHeads = heads } = options;
  const { scale = headSize ** -0.5, softcap, window, bias } = options;
  const params = {
    group: heads / keyValueHeads,
    scale,
    softcap: softcap ?? 1,
    window: window ?? 0,
    reach: bias === undefined ? 0 : (bias.size(0) - 1) / 2,
  };
  const switches = {
    WINDOWED: window !== undefined,
    SOFTCAP: softcap !== undefined,
    HAS_BIAS: bias !== undefined,
  };
  return { params, switches };
}

/**
 * softmax(q·kᵀ · scale)·v for every head; a query with no key to see gets 0.
 * "Attention Is All You Need", §3.2.1.
 */
export function attention(inputs: AttentionInputs): AttentionResult {
  const { q, k, v, keyMask, table, place, heads, headSize, causal, bias } = inputs;
  const { recording } = q.tensor;
  const { params: scoring, switches } = scoreSettings(inputs);
  const rate = inputs.dropout ?? 0;
  const known = table ?? keyMask;
  if (known === undefined) throw new RangeError('attention: neither a mask nor a block table');
  const [batches, queries, keys] = [q.tensor.size(0), q.tensor.size(1), known.size(1)];
  const output = recording.transient('attention', [batches, queries, heads * headSize]);
  const lse = recording.transient('attention lse', [batches, heads, queries]);
  const scores = {
    batches,
    heads,
    queries,
    keys,
    head_size: headSize,
    q_pitch: q.tensor.pitch,
    q_start: q.start,
    k_pitch: k.tensor.pitch,
    k_start: k.start,
    ...scoring,
  };
  const values = { v_pitch: v.tensor.pitch, v_start: v.start };
  const params = { ...scores, ...values, ...dropoutParams(recording, rate) };
  const drop = drops(recording, rate);
  const seen = { CAUSAL: causal, ...switches };
  if (table !== undefined && drop) throw new RangeError('attention: a cache allows no dropout');
  if (switches.WINDOWED && !causal) throw new RangeError('attention: a window is causal');
  const constants = { ...seen, DROPOUT: drop, CACHED: table !== undefined };
  const rows = batches * heads;
  const { gpu } = recording;
  const form =
    gpu.tier === 'gpu'
      ? {
          kernel: tile,
          constants: { ...constants, CHUNKS: Math.ceil(headSize / 32) },
          workgroups: rows * Math.ceil(queries / 32),
        }
      : gpu.hasQuadSubgroups
        ? { kernel: subgroup, constants, workgroups: rows * Math.ceil(queries / 8) }
        : {
            kernel: register,
            constants,
            workgroups: Math.ceil((rows * Math.ceil(queries / 4)) / 16),
          };
  recording.dispatch({
    ...form,
    bindings: {
      q: q.tensor,
      k: k.tensor,
      v: v.tensor,
      key_mask: known,
      state: drop ? recording.random : place,
      bias,
      y: output,
      lse,
    },
    params,
  });

  recording.differentiate({
    op: 'attention',
    output,
    inputs: [q.tensor, k.tensor, v.tensor, bias],
    trace: { q: q.tensor, k: k.tensor, v: v.tensor, keyMask: known, lse, params, constants },
  } satisfies AttentionEntry);

  const weights = (): Tensor => {
    if (table !== undefined) throw new RangeError('attention: no weights of cached keys');
    const result = recording.transient('attention weights', [batches, heads, queries, keys]);
    recording.dispatch({
      kernel: weightsKernel,
      bindings: { q: q.tensor, k: k.tensor, key_mask: known, lse, bias, weights: result },
      params: scores,
      constants: seen,
      workgroups: Math.ceil((rows * queries * keys) / 64),
    });
    return result;
  };
  return { output, weights };
}
