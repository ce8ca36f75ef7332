// §3.1 of "Attention Is All You Need", Figure 1 (left): the encoder. With a causal mask its stack is
// also the decoder of a language model.

import type { Tensor } from '../../runtime/tensor.ts';
import { selfAttention, type SelfAttentionWeights } from './attention.ts';
import { feedForward, type FeedForwardWeights } from './feed-forward.ts';
import { type NormWeights, normalize } from './normalization.ts';
import { relativeBias, type RelativeBias } from './relative-bias.ts';
import {
  type Dropout,
  noDropout,
  type ResidualConnection,
  type Sublayer,
  type SublayerNorm,
} from './residual.ts';

export interface EncoderLayerWeights {
  readonly selfAttention: SelfAttentionWeights;
  readonly selfAttentionNorm: SublayerNorm;
  readonly feedForward: FeedForwardWeights;
  readonly feedForwardNorm: SublayerNorm;
}

export interface EncoderWeights {
  readonly residual: ResidualConnection;
  readonly layers: readonly EncoderLayerWeights[];
  /** Departs from the paper: a norm after the last layer, as pre-norm stacks and PyTorch have it. */
  readonly finalNorm?: NormWeights | undefined;
  /** Departs from the paper: a bias of the scores by distance, which all layers share. */
  readonly relativeBias?: RelativeBias | undefined;
  /** Departs from PyTorch: the last hidden state is that after the final norm. */
  readonly normalizesLastState?: boolean;
  /** For training; none when absent. */
  readonly dropout?: Dropout;
}

/** Collects what a stack computes on its way, for callers that ask for it. */
export interface Watch {
  /** The stack's input, then each layer's output: (B, T, d_model) */
  readonly hiddenStates?: Tensor[];
  /** Each layer's self-attention weights: (B, h, T, T) */
  readonly attentions?: Tensor[];
  /** Each layer's cross-attention weights: (B, h, T, S) */
  readonly crossAttentions?: Tensor[];
}

/** What all layers of a stack share. */
export interface LayerContext {
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  /** (B, T, 2): position and slot, for rotary embeddings */
  readonly place?: Tensor | undefined;
  /** (2 · reach + 1, heads) */
  readonly bias?: Tensor | undefined;
  /** Whether tokens see only what stands before them; false when absent. */
  readonly causal?: boolean;
}

/**
 * "The first is a multi-head self-attention mechanism, and the second is a simple, position-wise
 * fully connected feed-forward network." x and result: (B, S, d_model).
 */
function encoderLayer(
  x: Tensor,
  weights: EncoderLayerWeights,
  { residual: connect, dropout = noDropout }: Pick<EncoderWeights, 'residual' | 'dropout'>,
  context: LayerContext,
  watch: Watch = {},
): Tensor {
  const selfAttend: Sublayer = (h, residual) =>
    selfAttention(h, weights.selfAttention, {
      causal: false,
      ...context,
      residual,
      watch: collector(watch.attentions),
      dropout: dropout.attention,
    });
  const transform: Sublayer = (h, residual) =>
    feedForward(h, weights.feedForward, residual, dropout.activation);
  const attended = connect(x, weights.selfAttentionNorm, selfAttend, dropout.residual);
  return connect(attended, weights.feedForwardNorm, transform, dropout.residual);
}

/**
 * "The encoder is composed of a stack of N = 6 identical layers." x and result: (B, S, d_model);
 * mask: (B, S), 0 = padding.
 */
export function encoder(
  x: Tensor,
  stack: EncoderWeights,
  mask: Tensor,
  watch?: Watch,
  place?: Tensor,
): Tensor {
  return selfAttentionStack(x, stack, { mask, place }, watch);
}

/** An encoder or, when it is causal, a decoder that has no encoder. x and result: (B, T, d_model). */
export function selfAttentionStack(
  x: Tensor,
  stack: EncoderWeights,
  context: Omit<LayerContext, 'bias'>,
  watch: Watch = {},
): Tensor {
  const bias = stack.relativeBias && relativeBias(x.recording, stack.relativeBias);
  watch.hiddenStates?.push(x);
  let h = x;
  for (const layer of stack.layers) {
    h = encoderLayer(h, layer, stack, { ...context, bias }, watch);
    watch.hiddenStates?.push(h);
  }
  return finishStack(h, stack, watch);
}

/** The norm after the last layer, where there is one. */
export function finishStack(
  h: Tensor,
  {
    finalNorm,
    normalizesLastState = false,
  }: Pick<EncoderWeights, 'finalNorm' | 'normalizesLastState'>,
  watch: Watch = {},
): Tensor {
  if (finalNorm === undefined) return h;
  const last = normalize(h, finalNorm, { label: 'final norm' });
  if (normalizesLastState) watch.hiddenStates?.splice(-1, 1, last);
  return last;
}

/** Lists for what was asked for. */
export function watchFor(wanted: { hiddenStates: boolean; attentions: boolean }): Watch {
  return {
    ...(wanted.hiddenStates && { hiddenStates: [] }),
    ...(wanted.attentions && { attentions: [], crossAttentions: [] }),
  };
}

/** Everything a watch has collected. */
export function watchedBy({ hiddenStates, attentions, crossAttentions }: Watch): Tensor[] {
  return [...(hiddenStates ?? []), ...(attentions ?? []), ...(crossAttentions ?? [])];
}

/** Turns a list into a receiver of weights. */
export function collector(list: Tensor[] | undefined): ((weights: Tensor) => void) | undefined {
  return list && ((weights) => void list.push(weights));
}
