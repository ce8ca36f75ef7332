// Fused scaled dot-product attention, and its weights on request.

import type { Gpu } from '../../runtime/gpu.ts';
import type { Constants, Kernel } from '../../runtime/kernel.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { dropoutParams, drops } from '../elementwise/dropout.ts';
import type { AttentionEntry } from './attention-entry.ts';
import { attentionForms, attentionWeights } from './attention-kernels.ts';
import { type AttentionSteps, attentionSteps } from './attention-steps.ts';
import type { PositionScores } from './positions/attention-positions.ts';
import { type ScoreOptions, scoreSettings } from './attention-score.ts';

/** Columns `start` onwards of a tensor's rows, head after head. */
export interface Columns {
  readonly tensor: Tensor;
  readonly start: number;
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
  /** Relative positions that queries and keys are compared with, too; no other option goes with them. */
  readonly positions?: PositionScores | undefined;
}

export interface AttentionResult extends AttentionSteps {
  /** (B, T, heads · headSize) */
  readonly output: Tensor;
  /** Appends the scores, the lowest number where a query does not see a key. (B, heads, T, S) */
  scores(): Tensor;
  /** Appends the softmax weights, none of them dropped, to the recording. (B, heads, T, S) */
  weights(): Tensor;
}

/** Whether heads, and the rows that they are columns of, begin and end at multiples of four. */
function isInFours({ q, k, v, headSize }: AttentionInputs): boolean {
  const ends = [q, k, v].flatMap(({ tensor, start }) => [tensor.pitch, start]);
  return [headSize, ...ends].every((end) => end % 4 === 0);
}

interface Form {
  readonly kernel: Kernel;
  readonly sizes: Constants;
  /** Queries of a tile. */
  readonly height: number;
  /** Tiles of a workgroup. */
  readonly tiles: number;
}

function formOf(gpu: Gpu, inputs: AttentionInputs): Form {
  const { positions } = inputs;
  const { subgroup, register, registerFours, tile, tileFours } = {
    ...attentionForms,
    ...positions?.forms,
  };
  const byFours = isInFours(inputs);
  if (gpu.tier === 'gpu') {
    const sizes = { CHUNKS: Math.ceil(inputs.headSize / 32), WHOLE: inputs.headSize % 32 === 0 };
    return { kernel: byFours ? tileFours : tile, sizes, height: 32, tiles: 1 };
  }
  if (gpu.hasQuadSubgroups && !positions)
    return { kernel: subgroup, sizes: {}, height: 8, tiles: 1 };
  const kernel = byFours ? registerFours : register;
  return { kernel, sizes: {}, height: 4, tiles: 16 };
}

/**
 * softmax(q·kᵀ · scale)·v for every head; a query with no key to see gets 0.
 * "Attention Is All You Need", §3.2.1.
 */
export function attention(inputs: AttentionInputs): AttentionResult {
  const { q, k, v, keyMask, table, place, heads, headSize, causal, positions } = inputs;
  const { recording } = q.tensor;
  const { bound, params: scoring, switches } = scoreSettings(inputs);
  const bias = positions?.table ?? bound;
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
    ...positions?.params,
  };
  const values = { v_pitch: v.tensor.pitch, v_start: v.start };
  const params = { ...scores, ...values, ...dropoutParams(recording, rate) };
  const drop = drops(recording, rate);
  const seen = { CAUSAL: causal, ...switches, ...positions?.constants };
  if (table !== undefined && drop) throw new RangeError('attention: a cache allows no dropout');
  const constants = { ...seen, DROPOUT: drop, CACHED: table !== undefined };
  const rows = batches * heads;
  const { gpu } = recording;
  const { kernel, sizes, height, tiles } = formOf(gpu, inputs);
  recording.dispatch({
    kernel,
    constants: { ...constants, ...sizes },
    workgroups: Math.ceil((rows * Math.ceil(queries / height)) / tiles),
    bindings: {
      q: q.tensor,
      k: k.tensor,
      v: v.tensor,
      key_mask: known,
      state: positions?.rows ?? (drop ? recording.random : place),
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
    trace: {
      q: q.tensor,
      k: k.tensor,
      v: v.tensor,
      keyMask: known,
      lse,
      bias,
      positions,
      params,
      constants,
    },
  } satisfies AttentionEntry);

  const weigh = (label: string, asScores: boolean): Tensor => {
    if (table !== undefined) throw new RangeError(`${label}: none of cached keys`);
    const result = recording.transient(label, [batches, heads, queries, keys]);
    recording.dispatch({
      kernel: positions?.weights ?? attentionWeights,
      bindings: {
        q: q.tensor,
        k: k.tensor,
        key_mask: known,
        lse,
        bias,
        weights: result,
        ...(positions && { state: positions.rows }),
      },
      params: scores,
      constants: { ...seen, SCORES: asScores },
      workgroups: Math.ceil((rows * queries * keys) / 64),
    });
    return result;
  };
  return {
    output,
    weights: () => weigh('attention weights', false),
    scores: () => weigh('attention scores', true),
    ...attentionSteps({ ...v, group: scoring.group, headSize, sinks: inputs.sinks }),
  };
}
