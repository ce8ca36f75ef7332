// "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1: an encoder, and a decoder of
// tokens.

import type { Tensor } from '../../runtime/tensor.ts';
import type { LanguageModelWeights } from './logits.ts';
import { sequenceStack } from './sequence-stack.ts';
import type { StackWeights } from './stack.ts';
import type { Linear } from '../weights/linear-weights.ts';

export interface TransformerWeights extends LanguageModelWeights {
  readonly encoder: StackWeights;
  /** From the encoder's width to what the decoder attends to, where they differ. */
  readonly bridge?: Linear | undefined;
}

/** What a stack begins with. */
export interface StackInput {
  /** (B, T, d_model) */
  readonly vectors: Tensor;
  /** (B, T), 0 = padding */
  readonly mask: Tensor;
  /** (B, T, 2): position and slot */
  readonly place?: Tensor | undefined;
}

/** "The encoder maps an input sequence of symbol representations to a sequence z." §3 (B, S, d_model) */
export function encodeVectors({ vectors, mask, place }: StackInput, encoder: StackWeights): Tensor {
  return vectors.recording.within('encoder', () =>
    sequenceStack(vectors, encoder, { mask, place, causal: false }),
  );
}
