// The output layer of language models and of encoder–decoders.

import type { Tensor } from '../../runtime/tensor.ts';
import { matmul } from '../../shaders/matmul/matmul.ts';
import { scale, softBound } from '../../shaders/elementwise/rescale.ts';
import type { SequenceDefinition } from '../definitions.ts';
import type { EmbeddingWeights } from './embeddings.ts';
import type { StackWeights } from './stack.ts';

/** A decoder with its embeddings and output layer. */
export interface LanguageModelWeights {
  readonly target: EmbeddingWeights;
  readonly decoder: StackWeights;
  /** The pre-softmax transformation; usually the target embedding again. */
  readonly output: {
    /** (V_target, d_model) */
    readonly weight: Tensor;
    readonly bias?: Tensor | undefined;
    /** Factor of what goes in; 1 when absent. */
    readonly scale?: number;
    /** Bound of the logits, see `softBound`. */
    readonly softcap?: number | undefined;
  };
}

/** The weights of a language model. */
export function languageModelOf({
  embeddings,
  stack,
  head,
}: SequenceDefinition): LanguageModelWeights | undefined {
  if (head?.kind !== 'language') return undefined;
  return { target: embeddings, decoder: stack, output: head.output };
}

/**
 * §3.4: "we share the same weight matrix between the two embedding layers and the pre-softmax linear
 * transformation". hidden: (B, T, d_model), result: (B, T, V_target).
 */
export function logits(hidden: Tensor, { output }: LanguageModelWeights): Tensor {
  const { weight, bias, softcap } = output;
  const x = scale(hidden, output.scale ?? 1);
  const scores = matmul(x, weight, { transposed: true, bias, label: 'logits' });
  return softcap === undefined ? scores : softBound(scores, softcap);
}
