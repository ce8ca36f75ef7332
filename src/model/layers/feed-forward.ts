// §3.3 of "Attention Is All You Need": position-wise feed-forward networks, plain and gated.

import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { gatedLinear } from '../../shaders/matmul/gated.ts';
import { type Activation, matmul } from '../../shaders/matmul/matmul.ts';
import type { Linear } from '../weights/weights.ts';

export interface FeedForwardWeights {
  /** (d_ff, d_model); of a gated network W and V stacked, (2 · d_ff, d_model) */
  readonly inner: Linear;
  /** (d_model, d_ff) */
  readonly outer: Linear;
  readonly activation: Activation;
  /**
   * "We use the output of one linear projection, activated, to gate another", as SwiGLU and GEGLU do:
   * FFN(x) = (activation(xW) ⊗ xV)W₂, Shazeer, arXiv 2002.05202, §2.
   */
  readonly gated?: boolean;
}

/**
 * "FFN(x) = max(0, xW₁ + b₁)W₂ + b₂", or with another activation than max(0, ·), whose result is
 * dropped at `rate`. (B, T, d_model)
 */
export function feedForward(
  x: Tensor,
  { inner, outer, activation, gated = false }: FeedForwardWeights,
  residual?: Tensor,
  rate = 0,
): Tensor {
  const hidden = gated // (B, T, d_ff)
    ? gatedLinear(x, inner.weight, { bias: inner.bias, activation })
    : linear(x, inner, { activation, label: 'feed-forward inner' });
  return linear(dropout(hidden, rate), outer, { residual, label: 'feed-forward' });
}

/** xWᵀ + b. x: (…, in), result: (…, out). */
export function linear(
  x: Tensor,
  { weight, bias }: Linear,
  options: { activation?: Activation; residual?: Tensor | undefined; label?: string } = {},
): Tensor {
  return matmul(x, weight, { transposed: true, bias, ...options });
}
