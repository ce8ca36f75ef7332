// §3.1 of "Attention Is All You Need" (Vaswani et al., arXiv 1706.03762): residual connections, with
// the dropout of §5.4.

import type { Tensor } from '../../runtime/tensor.ts';
import { drops, dropout } from '../../shaders/elementwise/dropout.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { type NormWeights, normalize } from './normalization.ts';

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

/** The normalization of a sub-layer, and of its output where a model has a second one. */
export type SublayerNorm = NormWeights & { readonly after?: NormWeights };

/**
 * Puts a sub-layer, its residual connection and its normalization together. The sub-layer's output
 * is dropped at `rate`, 0 by default.
 */
export type ResidualConnection = (
  x: Tensor,
  norm: SublayerNorm,
  sublayer: Sublayer,
  rate?: number,
) => Tensor;

/** "The output of each sub-layer is LayerNorm(x + Sublayer(x))." §3.1 */
export const postNorm: ResidualConnection = (x, norm, sublayer, rate = 0) =>
  normalize(dropout(sublayer(x), rate), norm, { residual: x });

/** x + Sublayer(LayerNorm(x)). Departs from the paper: "pre-norm", Xiong et al., arXiv 2002.04745. */
export const preNorm: ResidualConnection = (x, norm, sublayer, rate = 0) => {
  const normalized = normalize(x, norm);
  if (!drops(x.recording, rate)) return sublayer(normalized, x);
  return dropout(sublayer(normalized), rate, { residual: x });
};

/** x + Norm(Sublayer(Norm(x))), Gemma 2, arXiv 2408.00118, §2. */
export const sandwichNorm: ResidualConnection = (x, norm, sublayer, rate = 0) => {
  const y = sublayer(normalize(x, norm));
  return add(x, dropout(norm.after === undefined ? y : normalize(y, norm.after), rate));
};
