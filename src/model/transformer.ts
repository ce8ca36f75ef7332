// "Attention Is All You Need" (Vaswani et al., 2017, arXiv 1706.03762), Figure 1, with token
// embeddings and an output layer: what Marian, BART, T5 and their kin have in common. A language
// model is its right half alone.

import type { Tensor } from '../runtime/tensor.ts';
import { matmul } from '../shaders/matmul.ts';
import { scale, softBound } from '../shaders/rescale.ts';
import {
  cachedDecoder,
  type CachedTokens,
  decoder,
  type DecoderWeights,
  type Memory,
  memoryKeyValues,
} from './decoder.ts';
import { embed, type EmbeddingWeights, type Tokens } from './embeddings.ts';
import { encoder, type EncoderWeights, type Watch } from './encoder.ts';

export type { Tokens } from './embeddings.ts';

/** A decoder with its embeddings and output layer. */
export interface LanguageModelWeights {
  readonly target: EmbeddingWeights;
  readonly decoder: DecoderWeights;
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

/** New tokens over what was decoded before. ids: (R, T), places: (R, T, 2). Result: (R, T, d_model). */
export function decodeCached(
  ids: Tensor,
  cached: CachedTokens,
  weights: LanguageModelWeights,
): Tensor {
  const x = embed({ ids, place: cached.place }, weights.target);
  return cachedDecoder(x, weights.decoder, cached);
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
