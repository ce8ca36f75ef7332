// §3.2 of "Attention Is All You Need": multi-head attention over whole sequences. The projections of
// one input stand side by side, so that one product makes them all.

import type { Tensor } from '../../runtime/tensor.ts';
import type { PositionScores } from '../../shaders/attention/positions/attention-positions.ts';
import { attention, type AttentionResult } from '../../shaders/attention/attention.ts';
import { linear } from './linear.ts';
import type { Linear } from '../weights/linear-weights.ts';
import {
  type HeadNorm,
  type HeadsOptions,
  type Rotary,
  type Sharpness,
  splitHeads,
} from '../../shaders/attention/heads/split-heads.ts';

/** What heads look like, and how queries and keys are compared. */
export interface HeadOptions {
  readonly heads: number;
  /** d_k; the width of the queries divided by the heads when absent. */
  readonly headSize?: number;
  /** Factor of q·k; 1/√d_k when absent. */
  readonly scale?: number;
}

/** MultiHead(Q, K, V) with Q = K = V. */
export interface SelfAttentionWeights extends HeadOptions {
  /** Keys and values are kept of all tokens, see `TokenMixer`. */
  readonly memory?: undefined;
  /** Heads of keys and values, shared by groups of query heads (arXiv 2305.13245); all when absent. */
  readonly keyValueHeads?: number;
  /** W^Q, W^K, W^V stacked: ((heads + 2 · keyValueHeads) · d_k, d_model) */
  readonly queryKeyValue: Linear;
  /** Whether what W^K makes is the values, too, before norms and positions: there is no W^V. */
  readonly keysAreValues?: boolean;
  /**
   * The layer whose keys and values it attends to: there is W^Q alone. Both have norms or positions, and as many heads;
   * layers with keys of their own stand before all others.
   */
  readonly keysOf?: number | undefined;
  /** Whether their heads come by turns: one of W^Q, one of W^K, one of W^V. */
  readonly interleaved?: boolean;
  /** W^O: (d_model, heads · d_k) */
  readonly output: Linear;
  /** "Rotary position embedding", arXiv 2104.09864. */
  readonly rotary?: Rotary | undefined;
  /** Norms of queries and keys. */
  readonly headNorm?: HeadNorm | undefined;
  /** Factor of the queries by their position. */
  readonly sharpness?: Sharpness | undefined;
  /**
   * How many tokens back a token sees, itself included (Mistral, arXiv 2310.06825, §2), and as many ahead where it
   * sees both ways.
   */
  readonly window?: number | undefined;
  /** Relative positions that the scores compare with, besides; of a stack that has their vectors. */
  readonly positions?: ScoredPositions | undefined;
  /** Bound of the scores (Gemma 2, arXiv 2408.00118, §2). */
  readonly softcap?: number | undefined;
  /** What the scores lose for each place that a key is further back, (heads): ALiBi, arXiv 2108.12409, §3. */
  readonly slopes?: Tensor | undefined;
  /** The score of a key without a value, (heads): "Attention sinks", gpt-oss, arXiv 2508.10925, §2.2. */
  readonly sinks?: Tensor | undefined;
  readonly gate?: AttentionGate | undefined;
}

/** What lets the output of the heads through. Plain data and methods, so that weights in it can be replaced. */
export interface AttentionGate {
  /** Appends it. attended and result: (B, T, heads · d_k); x, what the heads read: (B, T, d_model). */
  record(attended: Tensor, x: Tensor): Tensor;
}

/** Plain data and methods, so that weights in it can be replaced by others. */
export interface ScoredPositions {
  /** Appends what the vectors of positions, (rows, d_model), are to a layer, whose input is x. */
  record(vectors: Tensor, weights: SelfAttentionWeights, x: Tensor): PositionScores;
}

/** MultiHead(Q, K, V) with K = V, the encoder's output. */
export interface CrossAttentionWeights extends HeadOptions {
  /** Heads of keys and values, shared by groups of query heads; all when absent. */
  readonly keyValueHeads?: number;
  /** Bound of the scores. */
  readonly softcap?: number | undefined;
  /** W^Q: (heads · d_k, d_model) */
  readonly query: Linear;
  /** W^K, W^V stacked: (2 · keyValueHeads · d_k, d_model) */
  readonly keyValue: Linear;
  /** W^O: (d_model, heads · d_k) */
  readonly output: Linear;
}

export interface SelfAttentionOptions {
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  /** "We need to prevent leftward information flow in the decoder", §3.2.3. */
  readonly causal: boolean;
  /** (B, T, 2): each token's position, for rotary embeddings; and its slot. */
  readonly place?: Tensor | undefined;
  /** Added to the scores by distance, (2 · reach + 1, heads). */
  readonly bias?: Tensor | undefined;
  /** The vectors of relative positions that the scores compare with, (rows, d_model). */
  readonly positions?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  /** Rate of dropout of the weights. */
  readonly dropout: number;
  /** What the layers so far had their keys and values in, by their numbers; its own join them as those of `index`. */
  readonly known: Tensor[];
  readonly index: number;
}

interface Layout {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly width: number;
  readonly keyWidth: number;
}

/** Whether projections are taken apart before attention reads them. */
export function splits({ rotary, headNorm, interleaved = false }: SelfAttentionWeights): boolean {
  return interleaved || rotary !== undefined || headNorm !== undefined;
}

/** Heads with what they are compared by. */
export function headsOf({
  positions: _positions,
  ...own
}: SelfAttentionWeights): Omit<SelfAttentionWeights, 'positions' | keyof Layout> & Layout {
  return { ...own, ...layoutOf(own) };
}

/** W^Q, W^K and W^V of x, side by side: (B, T, (heads + 2 · keyValueHeads) · d_k), as `apart` has them. */
export interface Projections {
  readonly projections: Tensor;
  readonly apart: SelfAttentionWeights;
}

/**
 * The projections of x. Queries, keys and values are named points, before norms and positions; where somebody asks for
 * one, those that come by turns are taken apart first.
 */
export function projectionsOf(
  x: Tensor,
  weights: SelfAttentionWeights,
  place: Tensor | undefined,
): Projections {
  const { recording } = x;
  const projections = linear(x, weights.queryKeyValue, { label: 'query, key, value' });
  const names = ['query', 'key', 'value'].slice(0, weights.keysOf === undefined ? 3 : 1);
  if (!names.some((name) => recording.isTapped(name))) return { projections, apart: weights };
  const isMixed = weights.interleaved === true || weights.keysAreValues === true;
  const apart = isMixed ? { ...weights, interleaved: false, keysAreValues: false } : weights;
  const plain = { ...weights, rotary: undefined, headNorm: undefined, sharpness: undefined };
  const split = isMixed && place ? takeApart(projections, plain, { place }) : projections;
  return { projections: tapHeads(split, weights, names), apart };
}

/** Those that were taken apart. Queries and keys are named points once more, with norms and positions. */
export function rotatedOf(heads: Tensor, weights: SelfAttentionWeights): Tensor {
  if (weights.rotary === undefined && weights.headNorm === undefined) return heads;
  const names = ['rotatedQuery', 'rotatedKey'].slice(0, weights.keysOf === undefined ? 2 : 1);
  return tapHeads(heads, weights, names);
}

/** Named points of heads of queries, keys and values, in this order, which stand side by side. */
function tapHeads(x: Tensor, weights: SelfAttentionWeights, names: readonly string[]): Tensor {
  const { heads, keyValueHeads, headSize, width, keyWidth } = layoutOf(weights);
  return names.reduce((tensor, name, index) => {
    const columns =
      index === 0
        ? { first: 0, heads, headSize }
        : { first: width + (index - 1) * keyWidth, heads: keyValueHeads, headSize };
    return tensor.recording.tap(name, tensor, columns);
  }, x);
}

/** Projections taken apart into heads: all, or of queries alone. `kept`: what takes the others. */
export function takeApart(
  projections: Tensor,
  weights: SelfAttentionWeights,
  kept: Pick<HeadsOptions, 'place' | 'cache' | 'table' | 'spill'>,
): Tensor {
  const heads = { ...headsOf(weights), projections, ...kept };
  const queries = { keyValueHeads: 0, cache: undefined };
  return splitHeads(weights.keysOf === undefined ? heads : { ...heads, ...queries });
}

/** Sizes of the heads, and of all of them side by side. */
export function layoutOf(weights: SelfAttentionWeights): Layout {
  const { heads, keyValueHeads = heads, queryKeyValue } = weights;
  const { headSize = queryKeyValue.weight.size(0) / (heads + 2 * keyValueHeads) } = weights;
  return {
    heads,
    keyValueHeads,
    headSize,
    width: heads * headSize,
    keyWidth: keyValueHeads * headSize,
  };
}

/** "Queries, keys and values come from the same place", §3.2.3. x and result: (B, T, d_model). */
export function selfAttention(
  x: Tensor,
  weights: SelfAttentionWeights,
  options: SelfAttentionOptions,
): Tensor {
  const { mask, causal, place, bias, positions, residual, dropout, known, index } = options;
  const heads = headsOf(weights);
  const { width, keyWidth } = heads;
  const { projections, apart } = projectionsOf(x, weights, place);
  const own =
    splits(apart) && place !== undefined
      ? rotatedOf(takeApart(projections, apart, { place }), apart)
      : projections;
  known[index] = own;
  const tensor = known[weights.keysOf ?? index] ?? own;
  const scored = positions && weights.positions?.record(positions, weights, x);
  const scoring = { ...heads, bias, ...(scored && { positions: scored }) };
  const attended = attention({
    ...scoring,
    q: { tensor: own, start: 0 },
    k: { tensor, start: width },
    v: { tensor, start: width + keyWidth },
    keyMask: mask,
    causal,
    dropout,
  });
  const mixed = mixedOf(attended);
  const opened = weights.gate?.record(mixed, x) ?? mixed;
  return concatenate(opened, weights, residual);
}

/**
 * "Concat(head₁, …, head_h)W^O", §3.2.2. attended: (B, T, heads · d_k), what gates have let through; each head's output
 * is a named point.
 */
export function concatenate(
  attended: Tensor,
  { heads, output }: Pick<SelfAttentionWeights, 'heads' | 'output'>,
  residual: Tensor | undefined,
): Tensor {
  const headSize = attended.size(-1) / heads;
  const all = attended.recording.tap('heads', attended, { first: 0, heads, headSize });
  return linear(all, output, { residual, label: 'attention output' });
}

/**
 * What the heads make of the values. The scores and their softmax, the weights, are named points, computed only on
 * request; where one is edited, what follows from it is computed from it, without the fused kernel.
 */
export function mixedOf(attended: AttentionResult): Tensor {
  const { recording } = attended.output;
  const scores = recording.tapMade('scores', () => attended.scores());
  const isScored = scores !== undefined && scores.given !== scores.made;
  const weigh = (): Tensor => (isScored ? attended.softmax(scores.given) : attended.weights());
  const weights = recording.tapMade('weights', weigh);
  if (weights !== undefined && weights.given !== weights.made) return attended.mix(weights.given);
  return isScored ? attended.mix(weights?.given ?? weigh()) : attended.output;
}
