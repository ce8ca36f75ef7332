// The stacks of §3.1 of "Attention Is All You Need" over whole sequences: an encoder, a decoder over an
// encoder's output, or, when it is causal and there is none, the decoder of a language model.

import type { Tensor } from '../../runtime/tensor.ts';
import type { RoutedLayer } from '../../shaders/experts/balance-loss.ts';
import { selfAttention } from './attention.ts';
import {
  type BetweenLayers,
  stack,
  type StackCross,
  type StackSelf,
  type StackWeights,
} from './stack.ts';

export interface SequenceStackOptions {
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  /** (B, T, 2): position and slot, for rotary embeddings */
  readonly place?: Tensor | undefined;
  /** "Predictions for position i can depend only on the known outputs at positions less than i." */
  readonly causal: boolean;
  /** The attention to an encoder's output, see `recall`. */
  readonly cross?: StackCross | undefined;
  /** What layers take of the outputs of those before, where that is not all. */
  readonly between?: BetweenLayers | undefined;
  /** What layers take of the tokens themselves, see `PerLayerVectors`. */
  readonly perLayer?: Tensor | undefined;
  /** Is told of what experts do, layer by layer. */
  readonly onRouted?: ((layer: RoutedLayer) => void) | undefined;
}

/** x and result: (B, T, d_model). */
export function sequenceStack(
  x: Tensor,
  weights: StackWeights,
  options: SequenceStackOptions,
): Tensor {
  const known: Tensor[] = [];
  const shared = { ...options, dropout: weights.dropout?.attention ?? 0, known };
  const self: StackSelf =
    ({ selfAttention: own }, index, byDistance) =>
    (input, residual) =>
      own.memory
        ? own.record(input, { mask: options.mask, residual })
        : selfAttention(input, own, { ...shared, ...byDistance, residual, index });
  return stack(x, weights, { ...options, self });
}
