// The output layer of language models and of encoder–decoders.

import type { Tensor } from '../../runtime/tensor.ts';
import { scale, softCap } from '../../shaders/elementwise/scale.ts';
import type { EmbeddingWeights } from './embeddings.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { linear } from './linear.ts';
import type { StackWeights } from './stack.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';

/** A decoder with its embeddings and output layer. */
export interface LanguageModelWeights {
  readonly target: EmbeddingWeights;
  readonly decoder: StackWeights;
  /** The pre-softmax transformation; usually the target embedding again. */
  readonly output: OutputLayer;
  /** Of BERT's kin. */
  readonly before?: BeforeOutput | undefined;
}

/** A linear layer to the vocabulary: (V_target, d_model). */
export interface OutputLayer extends Linear {
  /** Factor of what goes in; 1 when absent. */
  readonly scale?: number;
  /** Bound of the logits, see `softCap`. */
  readonly softcap?: number | undefined;
}

/** A layer before the output layer, with its norm. */
export interface BeforeOutput {
  readonly linear: Linear;
  readonly activation: Activation;
  readonly norm: NormWeights;
}

/** Logits that are still to be recorded, all of them or some rows at a time. */
export interface PendingLogits {
  /** What goes into the product: (…, d_model) */
  readonly x: Tensor;
  readonly layer: OutputLayer;
}

/**
 * §3.4: "we share the same weight matrix between the two embedding layers and the pre-softmax linear
 * transformation". hidden: (B, T, d_model), result: (B, T, V_target).
 */
export function logits(
  hidden: Tensor,
  weights: Pick<LanguageModelWeights, 'output' | 'before'>,
): Tensor {
  return recordLogits(pendingLogits(hidden, weights));
}

/** Appends what comes before the last product. */
export function pendingLogits(
  hidden: Tensor,
  { output, before }: Pick<LanguageModelWeights, 'output' | 'before'>,
): PendingLogits {
  const x = before ? transformed(hidden, before) : hidden;
  return { x: scale(x, output.scale ?? 1), layer: output };
}

/** Appends all of them. */
export function recordLogits({ x, layer }: PendingLogits): Tensor {
  const { softcap } = layer;
  const scores = linear(x, layer, { label: 'logits' });
  return softcap === undefined ? scores : softCap(scores, softcap);
}

function transformed(x: Tensor, { linear: layer, activation, norm }: BeforeOutput): Tensor {
  return normalize(linear(x, layer, { activation, label: 'before logits' }), norm);
}
