// §3.1 of "Attention Is All You Need", Figure 1 (left): the encoder.

import type { Tensor } from '../runtime/tensor.ts';
import { layerNorm, type LayerNormWeights } from '../shaders/layer-norm.ts';
import { selfAttention, type SelfAttentionWeights } from './attention.ts';
import { feedForward, type FeedForwardWeights } from './feed-forward.ts';
import { type Dropout, noDropout, type ResidualConnection, type Sublayer } from './residual.ts';

export interface EncoderLayerWeights {
  readonly selfAttention: SelfAttentionWeights;
  readonly selfAttentionNorm: LayerNormWeights;
  readonly feedForward: FeedForwardWeights;
  readonly feedForwardNorm: LayerNormWeights;
}

export interface EncoderWeights {
  readonly residual: ResidualConnection;
  readonly layers: readonly EncoderLayerWeights[];
  /** Departs from the paper: a norm after the last layer, as pre-norm stacks and PyTorch have it. */
  readonly finalNorm?: LayerNormWeights;
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

/**
 * "The first is a multi-head self-attention mechanism, and the second is a simple, position-wise
 * fully connected feed-forward network." x and result: (B, S, d_model); mask: (B, S), 0 = padding.
 */
export function encoderLayer(
  x: Tensor,
  weights: EncoderLayerWeights,
  { residual: connect, dropout = noDropout }: Pick<EncoderWeights, 'residual' | 'dropout'>,
  mask: Tensor,
  watch: Watch = {},
): Tensor {
  const selfAttend: Sublayer = (h, residual) =>
    selfAttention(h, weights.selfAttention, {
      mask,
      causal: false,
      residual,
      watch: collector(watch.attentions),
      dropout: dropout.attention,
    });
  const transform: Sublayer = (h, residual) =>
    feedForward(h, weights.feedForward, residual, dropout.activation);
  const attended = connect(x, weights.selfAttentionNorm, selfAttend, dropout.residual);
  return connect(attended, weights.feedForwardNorm, transform, dropout.residual);
}

/** "The encoder is composed of a stack of N = 6 identical layers." x and result: (B, S, d_model). */
export function encoder(x: Tensor, stack: EncoderWeights, mask: Tensor, watch: Watch = {}): Tensor {
  const { layers, finalNorm } = stack;
  watch.hiddenStates?.push(x);
  let h = x;
  for (const layer of layers) {
    h = encoderLayer(h, layer, stack, mask, watch);
    watch.hiddenStates?.push(h);
  }
  return finalNorm === undefined ? h : layerNorm(h, finalNorm, { label: 'final norm' });
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
