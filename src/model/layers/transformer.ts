// "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1, with token
// embeddings: what Marian, BART, T5 and their kin have in common.

import type { Tensor } from '../../runtime/tensor.ts';
import { decoder, type Memory, memoryKeyValues } from './decoder.ts';
import { embed, type EmbeddingWeights, type Tokens } from './embeddings.ts';
import { encoder, type EncoderWeights, type Watch } from './encoder.ts';
import type { LanguageModelWeights } from './logits.ts';

export type { Tokens } from './embeddings.ts';

export interface TransformerWeights extends LanguageModelWeights {
  readonly source: EmbeddingWeights;
  readonly encoder: EncoderWeights;
}

/** "The encoder maps an input sequence of symbol representations to a sequence z." §3 (B, S, d_model) */
export function encode(source: Tokens, weights: TransformerWeights, watch?: Watch): Tensor {
  return encoder(embed(source, weights.source), weights.encoder, source.mask, watch, source.place);
}

/** Each decoder layer's keys and values of the encoder's output z. */
export function remember(z: Tensor, mask: Tensor, weights: LanguageModelWeights): Memory {
  return { keyValues: memoryKeyValues(z, weights.decoder), mask };
}

/** "Given z, the decoder then generates an output sequence." §3 Result: (B, T, d_model). */
export function decode(
  target: Tokens,
  memory: Memory | undefined,
  weights: LanguageModelWeights,
  watch?: Watch,
): Tensor {
  const { mask, place } = target;
  const x = embed(target, weights.target);
  return decoder(x, weights.decoder, { mask, place, memory, ...(watch && { watch }) });
}
