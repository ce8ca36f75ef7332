// §3.1 of "Attention Is All You Need" (Vaswani et al., arXiv 1706.03762): residual connections, with
// the dropout of §5.4.

import type { Tensor } from '../runtime/tensor.ts';
import { drops, dropout } from '../shaders/dropout.ts';
import { type LayerNormWeights, layerNorm } from '../shaders/layer-norm.ts';

/** Rates of dropout, each at least 0 and below 1. They act in recordings with random numbers only. */
export interface Dropout {
  /** "We apply dropout to the output of each sub-layer, before it is added", §5.4. */
  readonly residual: number;
  /** Of the softmax weights. Departs from the paper, as most implementations do. */
  readonly attention: number;
  /** Of the feed-forward network's inner layer, likewise. */
  readonly activation: number;
}

/** What a stack does when it is given no rates. */
export const noDropout: Dropout = { residual: 0, attention: 0, activation: 0 };

/** A sub-layer; it adds `residual`, when given, to what it computes from `x`. (B, T, d_model) */
export type Sublayer = (x: Tensor, residual?: Tensor) => Tensor;

/**
 * Puts a sub-layer, its residual connection and its normalization together. The sub-layer's output
 * is dropped at `rate`, 0 by default.
 */
export type ResidualConnection = (
  x: Tensor,
  norm: LayerNormWeights,
  sublayer: Sublayer,
  rate?: number,
) => Tensor;

/** "The output of each sub-layer is LayerNorm(x + Sublayer(x))." §3.1 */
export const postNorm: ResidualConnection = (x, norm, sublayer, rate = 0) =>
  layerNorm(dropout(sublayer(x), rate), norm, { residual: x });

/** x + Sublayer(LayerNorm(x)). Departs from the paper: "pre-norm", Xiong et al., arXiv 2002.04745. */
export const preNorm: ResidualConnection = (x, norm, sublayer, rate = 0) => {
  const normalized = layerNorm(x, norm);
  if (!drops(x.recording, rate)) return sublayer(normalized, x);
  return dropout(sublayer(normalized), rate, { residual: x });
};
