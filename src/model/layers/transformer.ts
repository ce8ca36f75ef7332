// "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1, with token
// embeddings: what Marian, BART, T5 and their kin have in common.

import type { Tensor } from '../../runtime/tensor.ts';
import { type Memory, recall } from './cross-attention.ts';
import { embed, type EmbeddingWeights, type Tokens } from './embeddings.ts';
import type { LanguageModelWeights } from './logits.ts';
import { sequenceStack } from './sequence-stack.ts';
import type { StackWeights } from './stack.ts';

export interface TransformerWeights extends LanguageModelWeights {
  readonly source: EmbeddingWeights;
  readonly encoder: StackWeights;
}

/** "The encoder maps an input sequence of symbol representations to a sequence z." §3 (B, S, d_model) */
export function encode(source: Tokens, weights: TransformerWeights): Tensor {
  const { mask, place } = source;
  return source.ids.recording.within('encoder', () => {
    const x = embed(source, weights.source);
    return sequenceStack(x, weights.encoder, { mask, place, causal: false });
  });
}

/** "Given z, the decoder then generates an output sequence." §3 Result: (B, T, d_model). */
export function decode(
  target: Tokens,
  memory: Memory | undefined,
  weights: LanguageModelWeights,
): Tensor {
  const { mask, place } = target;
  return target.ids.recording.within('decoder', () => {
    const x = embed(target, weights.target);
    const cross = recall(memory, weights.decoder.dropout?.attention);
    return sequenceStack(x, weights.decoder, { mask, place, causal: true, cross });
  });
}
