// §3.3 of "Attention Is All You Need": position-wise feed-forward networks, plain and gated.

import type { Tensor } from '../../runtime/tensor.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import type { RoutedLayer } from '../../shaders/experts/balance-loss.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { gated, linear } from './linear.ts';

/** "FFN(x) = max(0, xW₁ + b₁)W₂ + b₂", or with another activation than max(0, ·). */
interface PlainFeedForward {
  readonly kind: 'plain';
  /** W₁, b₁: (d_ff, d_model) */
  readonly inner: Linear;
  /** W₂, b₂: (d_model, d_ff) */
  readonly outer: Linear;
  readonly activation: Activation;
}

/**
 * "We use the output of one linear projection, activated, to gate another", as SwiGLU and GEGLU do:
 * FFN(x) = (activation(xW) ⊗ xV)W₂, Shazeer, arXiv 2002.05202, §2.
 */
interface GatedFeedForward extends Omit<PlainFeedForward, 'kind'> {
  readonly kind: 'gated';
  /** W and V stacked: (2 · d_ff, d_model) */
  readonly inner: Linear;
  /** Whether V stands above W. */
  readonly valueFirst?: boolean;
}

/** One that says itself how it is recorded, such as that of experts. */
export interface ComposedFeedForward {
  readonly kind: 'composed';
  /** Appends what it computes of x, + residual. x and result: (B, T, d_model). `onRouted` is told of what experts do. */
  record(x: Tensor, residual: Tensor | undefined, onRouted?: (layer: RoutedLayer) => void): Tensor;
}

type OwnFeedForward = PlainFeedForward | GatedFeedForward;

export type FeedForwardWeights = OwnFeedForward | ComposedFeedForward;

interface FeedForwardOptions {
  /** What is dropped of that which the inner layer computes; nothing when absent. */
  readonly rate?: number;
  readonly onRouted?: ((layer: RoutedLayer) => void) | undefined;
}

/** x and result: (B, T, d_model). What the inner layer computes is a named point, (B, T, d_ff). */
export function feedForward(
  x: Tensor,
  weights: FeedForwardWeights,
  residual?: Tensor,
  { rate = 0, onRouted }: FeedForwardOptions = {},
): Tensor {
  if (weights.kind === 'composed') return weights.record(x, residual, onRouted);
  const inner = x.recording.tap('inner', innerOf(x, weights));
  const hidden = dropout(inner, rate);
  return linear(hidden, weights.outer, { residual, label: 'feed-forward' });
}

/** What the inner layer computes: (B, T, d_ff). */
function innerOf(x: Tensor, weights: OwnFeedForward): Tensor {
  const { inner, activation } = weights;
  return weights.kind === 'gated'
    ? gated(x, inner, activation, weights.valueFirst)
    : linear(x, inner, { activation, label: 'feed-forward inner' });
}
