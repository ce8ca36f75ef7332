// §3.2 of "Attention Is All You Need": multi-head attention, for whole sequences and for one step
// of decoding. The projections of one input stand side by side, so that one product makes them all.

import type { Tensor } from '../runtime/tensor.ts';
import {
  attentionCross,
  attentionDecode,
  type KeyValueCache,
} from '../shaders/attention-decode.ts';
import { attention, type AttentionResult } from '../shaders/attention.ts';
import { linear } from './feed-forward.ts';
import type { Linear } from './weights.ts';

/** MultiHead(Q, K, V) with Q = K = V; heads of size d_k = d_model / h. */
export interface SelfAttentionWeights {
  readonly heads: number;
  /** W^Q, W^K, W^V stacked: (3 · d_model, d_model) */
  readonly queryKeyValue: Linear;
  /** W^O: (d_model, d_model) */
  readonly output: Linear;
}

/** MultiHead(Q, K, V) with K = V, the encoder's output. */
export interface CrossAttentionWeights {
  readonly heads: number;
  /** W^Q: (d_model, d_model) */
  readonly query: Linear;
  /** W^K, W^V stacked: (2 · d_model, d_model) */
  readonly keyValue: Linear;
  /** W^O: (d_model, d_model) */
  readonly output: Linear;
}

/** Receives an attention's weights on request; without one they are never computed. */
export type WatchWeights = ((weights: Tensor) => void) | undefined;

export interface SelfAttentionOptions {
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  /** "We need to prevent leftward information flow in the decoder", §3.2.3. */
  readonly causal: boolean;
  readonly residual?: Tensor | undefined;
  readonly watch?: WatchWeights;
  /** Rate of dropout of the weights; 0 when absent. */
  readonly dropout?: number;
}

/** "Queries, keys and values come from the same place", §3.2.3. x and result: (B, T, d_model). */
export function selfAttention(
  x: Tensor,
  { heads, queryKeyValue, output }: SelfAttentionWeights,
  { mask, causal, residual, watch, dropout = 0 }: SelfAttentionOptions,
): Tensor {
  const dModel = x.size(-1);
  const tensor = linear(x, queryKeyValue, { label: 'query, key, value' }); // (B, T, 3 · d_model)
  const attended = attention({
    q: { tensor, start: 0 },
    k: { tensor, start: dModel },
    v: { tensor, start: 2 * dModel },
    keyMask: mask,
    heads,
    headSize: dModel / heads,
    causal,
    dropout,
  });
  return finish(attended, output, residual, watch);
}

export interface CrossAttentionOptions {
  /** Keys and values of the encoder's output: (B, S, 2 · d_model) */
  readonly memory: Tensor;
  /** (B, S), 0 = padding */
  readonly memoryMask: Tensor;
  readonly residual?: Tensor | undefined;
  readonly watch?: WatchWeights;
  /** Rate of dropout of the weights; 0 when absent. */
  readonly dropout?: number;
}

/**
 * "The queries come from the previous decoder layer, and the memory keys and values come from the
 * output of the encoder", §3.2.3. x and result: (B, T, d_model).
 */
export function crossAttention(
  x: Tensor,
  { heads, query, output }: CrossAttentionWeights,
  { memory, memoryMask, residual, watch, dropout = 0 }: CrossAttentionOptions,
): Tensor {
  const dModel = x.size(-1);
  const attended = attention({
    q: { tensor: linear(x, query, { label: 'query' }), start: 0 },
    k: { tensor: memory, start: 0 },
    v: { tensor: memory, start: dModel },
    keyMask: memoryMask,
    heads,
    headSize: dModel / heads,
    causal: false,
    dropout,
  });
  return finish(attended, output, residual, watch);
}

/** Self-attention of one new token a sequence, which joins the cache. x: (B, 1, d_model). */
export function selfAttentionStep(
  x: Tensor,
  { heads, queryKeyValue, output }: SelfAttentionWeights,
  cache: KeyValueCache,
  residual?: Tensor,
): Tensor {
  const dModel = x.size(-1);
  const attended = attentionDecode({
    projections: linear(x, queryKeyValue, { label: 'query, key, value' }),
    starts: { q: 0, k: dModel, v: 2 * dModel },
    cache,
    heads,
    headSize: dModel / heads,
  });
  return linear(attended, output, { residual, label: 'attention output' });
}

/** Cross-attention of one new token a sequence. x: (B, 1, d_model). */
export function crossAttentionStep(
  x: Tensor,
  { heads, query, output }: CrossAttentionWeights,
  { memory, memoryMask, residual }: CrossAttentionOptions,
): Tensor {
  const dModel = x.size(-1);
  const attended = attentionCross({
    q: { tensor: linear(x, query, { label: 'query' }), start: 0 },
    k: { tensor: memory, start: 0 },
    v: { tensor: memory, start: dModel },
    keyMask: memoryMask,
    heads,
    headSize: dModel / heads,
  });
  return linear(attended, output, { residual, label: 'attention output' });
}

/** "Concat(head₁, …, head_h)W^O", §3.2.2. */
function finish(
  attended: AttentionResult,
  output: Linear,
  residual: Tensor | undefined,
  watch: WatchWeights,
): Tensor {
  watch?.(attended.weights());
  return linear(attended.output, output, { residual, label: 'attention output' });
}
