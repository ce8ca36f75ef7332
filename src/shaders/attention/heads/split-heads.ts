// The heads of self-attention: projections taken apart, normalized, rotated by position, and put
// where attention reads them.

import { TransformerError } from '../../../runtime/errors.ts';
import type { Kernel, Snippet } from '../../../runtime/kernel.ts';
import { elements, type Tensor } from '../../../runtime/tensor.ts';
import { halfPair, headsStorage } from './cache-storage.ts';
import { allForms, rowForm, rowKernel } from '../../rows/row-kernel.ts';
import { late, workgroup } from '../../snippets.ts';
import type { Scalars, Traced } from '../../traces.ts';

/** For kernels with the params below, and `turns` and `place` bound. */
export const headsCommon: Snippet = {
  file: 'heads-common.wgsl',
  text: late(() => import('./heads-common.wgsl?raw')),
};

/** The scalars there and back. */
export const headsParams = {
  rows: 'u32',
  tokens: 'u32',
  heads: 'u32',
  key_heads: 'u32',
  head_size: 'u32',
  pairs: 'u32',
  pair_gap: 'u32',
  capacity: 'u32',
  rotary_scale: 'f32',
  eps: 'f32',
  offset: 'f32',
  beta: 'f32',
  period: 'u32',
} as const;

/** The switches there and back. */
export const headsSwitches = {
  HAS_ROTARY: [false, true],
  HAS_NORM: [false, true],
  WIDE_NORM: [false, true],
  INTERLEAVED: [false, true],
  SHARPENED: [false, true],
  VALUE_NORM: [false, true],
  KEYS_ARE_VALUES: [false, true],
} as const;

const forms = rowKernel({
  name: 'split-heads',
  code: [
    workgroup,
    halfPair,
    headsStorage,
    headsCommon,
    { file: 'split-heads.wgsl', text: late(() => import('./split-heads.wgsl?raw')) },
  ],
  bindings: {
    projections: 'read',
    place: 'read',
    turns: 'read',
    weight: 'read',
    table: 'read',
    q: 'write',
    kv: 'write',
    spill: 'write',
  },
  params: headsParams,
  constants: {
    ...headsSwitches,
    HAS_CACHE: [false, true],
  },
});

export const splitHeadsKernels: readonly Kernel[] = allForms(forms);

/** Rotary position embedding, arXiv 2104.09864, §3.2. */
export interface Rotary {
  /** (rotated columns / 2, 2) u32: the frequency of each pair, from `rotaryTurns`. */
  readonly turns: Tensor;
  /** Factor of cosine and sine (YaRN's attention factor); 1 else. */
  readonly scale: number;
  /** Whether neighbours are pairs, as in the paper, and not columns that lie half of what rotates apart. */
  readonly neighbours?: boolean;
}

/** RMS norm of each query and each key, before the rotation. */
export interface HeadNorm {
  /** (2 · headSize): the query's weights, then the key's; ((heads + keyValueHeads) · headSize) where it is wide. */
  readonly weight: Tensor;
  readonly eps: number;
  /** Added to the weights: 1 where they are stored as differences from 1, 0 else. */
  readonly offset: number;
  /** Whether the mean square is that of all heads of a token together, of queries or of keys. */
  readonly wide?: boolean;
  /** Whether each value is normalized, too, without weights. */
  readonly values?: boolean;
}

/** Factor of queries by position: 1 + β · ln(1 + ⌊position / period⌋), Llama 4's attention temperature. */
export interface Sharpness {
  readonly beta: number;
  readonly period: number;
}

export interface HeadsOptions {
  /** (B, T, (heads + 2 · keyValueHeads) · headSize): heads of q, of k and of v side by side. */
  readonly projections: Tensor;
  /** Whether the projections of k are those of v, too: there are no others. */
  readonly keysAreValues?: boolean | undefined;
  /** Whether these come by turns: one of q, one of k, one of v. There are as many of each then. */
  readonly interleaved?: boolean | undefined;
  /** (B, T, 2) u32: the position of each token, and its place in the table. */
  readonly place: Tensor;
  readonly heads: number;
  /** None where there are queries alone. */
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly rotary?: Rotary | undefined;
  readonly headNorm?: HeadNorm | undefined;
  readonly sharpness?: Sharpness | undefined;
  /** (slots, 2 · keyValueHeads · headSize) f32 or f16; tokens that the table hides, or ends before, stay out. */
  readonly cache?: Tensor | undefined;
  /** (1) u32: becomes 1 where a cache in f16 cannot hold what is put there. */
  readonly spill?: Tensor | undefined;
  /** (B, capacity) u32: see `BlockTable`. */
  readonly table?: Tensor | undefined;
}

export type HeadsEntry = Traced<
  'split-heads',
  {
    readonly given: {
      readonly projections: Tensor;
      readonly place: Tensor;
      readonly turns: Tensor | undefined;
      readonly weight: Tensor | undefined;
    };
    readonly params: Scalars<typeof headsParams>;
    readonly constants: Readonly<Record<keyof typeof headsSwitches, boolean>>;
  }
>;

/**
 * Queries, keys and values out of their projections. The columns of a head rotate in the pairs
 * (i, i + rotated / 2) as in most of Hugging Face's models, or in the paper's (2i, 2i + 1); columns past
 * the rotated ones stay as they are. Result: (B, T, (heads + 2 · keyValueHeads) · headSize), the heads of q, of k
 * and of v side by side; with a cache, which takes the others, the queries: (B, T, heads · headSize).
 * @throws TransformerError TENSOR_MISMATCH when sizes do not fit together
 */
export function splitHeads(options: HeadsOptions): Tensor {
  const { projections, interleaved = false, place, keyValueHeads, headSize } = options;
  const { keysAreValues = false, rotary, headNorm: norm, sharpness } = options;
  const { cache, spill, table } = options;
  const { recording } = projections;
  const [batches, tokens] = [projections.size(0), projections.size(1)];
  const allHeads = options.heads + 2 * keyValueHeads;
  const missing = keysAreValues ? keyValueHeads : 0;
  const pairs = rotary?.turns.size(0) ?? 0;
  const sizes: (readonly [Tensor | undefined, number])[] = [
    [projections, batches * tokens * (allHeads - missing) * headSize],
    [place, 2 * batches * tokens],
    [norm?.weight, (norm?.wide ? options.heads + keyValueHeads : 2) * headSize],
    [rotary?.turns, 2 * Math.min(pairs, Math.floor(headSize / 2))],
    [cache, (cache?.size(0) ?? 0) * 2 * keyValueHeads * headSize],
    [table, batches * (table?.size(1) ?? 0)],
  ];
  for (const [tensor, wanted] of sizes) {
    if (tensor === undefined || elements(tensor.shape) === wanted) continue;
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `splitHeads: ${tensor.describe()} should have ${wanted} elements.`,
    );
  }
  const isCached = cache !== undefined;
  const width = (isCached ? options.heads : allHeads) * headSize;
  const heads = recording.transient('heads', [batches, tokens, width]);
  const rows = batches * tokens * allHeads;
  const given = { projections, place, turns: rotary?.turns, weight: norm?.weight };
  const params = {
    rows,
    tokens,
    heads: options.heads,
    key_heads: keyValueHeads,
    head_size: headSize,
    pairs,
    pair_gap: rotary?.neighbours ? 1 : pairs,
    capacity: table?.size(1) ?? 0,
    rotary_scale: rotary?.scale ?? 1,
    eps: norm?.eps ?? 0,
    offset: norm?.offset ?? 0,
    beta: sharpness?.beta ?? 0,
    period: sharpness?.period ?? 1,
  };
  const constants = {
    HAS_ROTARY: rotary !== undefined,
    HAS_NORM: norm !== undefined,
    WIDE_NORM: norm?.wide ?? false,
    INTERLEAVED: interleaved,
    SHARPENED: sharpness !== undefined,
    VALUE_NORM: norm?.values ?? false,
    KEYS_ARE_VALUES: keysAreValues,
  };
  recording.dispatch({
    ...rowForm(forms, recording.gpu, rows),
    bindings: { ...given, table, q: heads, kv: cache, spill },
    params,
    constants: { ...constants, HAS_CACHE: isCached },
  });
  // What caches hold is computed with, not trained.
  if (isCached) return heads;
  recording.differentiate({
    op: 'split-heads',
    output: heads,
    inputs: [projections, given.weight],
    trace: { given, params, constants },
  } satisfies HeadsEntry);
  return heads;
}
