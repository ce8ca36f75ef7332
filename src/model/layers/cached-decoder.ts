// The decoder of "Attention Is All You Need" over the caches of generation.

import type { Tensor } from '../../runtime/tensor.ts';
import type { CachePlaces, KeyValueCache } from '../../shaders/attention/attention-decode.ts';
import { cachedSelfAttention } from './cached-attention.ts';
import { crossAttention } from './cross-attention.ts';
import { decoderLayer, type DecoderWeights, type Memory, memoryOf } from './decoder.ts';
import { embed } from './embeddings.ts';
import { finishStack } from './encoder.ts';
import type { LanguageModelWeights } from './logits.ts';
import { relativeBias } from './relative-bias.ts';

/** Where new tokens join what was decoded before. */
export interface CachedTokens extends CachePlaces {
  /** One a layer. */
  readonly caches: readonly KeyValueCache[];
  readonly memory?: Memory | undefined;
}

/** The decoder for new tokens, one or more a sequence. x and result: (R, T, d_model). */
function cachedDecoder(
  x: Tensor,
  stack: DecoderWeights,
  { caches, place, rows, memory }: CachedTokens,
): Tensor {
  const bias = stack.relativeBias && relativeBias(x.recording, stack.relativeBias);
  let h = x;
  stack.layers.forEach((layer, index) => {
    const cache = caches[index];
    if (cache === undefined) throw new RangeError(`decoder layer ${index} has no cache`);
    h = decoderLayer(h, layer, stack, {
      selfAttend: (input, residual) =>
        cachedSelfAttention(input, layer.selfAttention, { cache, place, rows, bias, residual }),
      crossAttend:
        memory &&
        ((weights) => (input, residual) =>
          crossAttention(input, weights, { ...memoryOf(memory, index), residual })),
    });
  });
  return finishStack(h, stack);
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
