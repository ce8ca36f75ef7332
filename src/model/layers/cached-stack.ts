// The decoder of "Attention Is All You Need" over the caches of generation.

import type { Tensor } from '../../runtime/tensor.ts';
import type { BlockTable } from '../../shaders/attention/decode/attention-decode.ts';
import { cachedSelfAttention } from './cached-attention.ts';
import { type Memory, recall } from './cross-attention.ts';
import { embed } from './embeddings.ts';
import type { LanguageModelWeights } from './logits.ts';
import { stack, type StackSelf } from './stack.ts';

/** Where new tokens join what was decoded before. */
export interface CachedTokens extends BlockTable {
  /** One a layer. */
  readonly caches: readonly Tensor[];
  /** Of caches in f16: see `attentionDecode`. */
  readonly spill?: Tensor | undefined;
  readonly memory?: Memory | undefined;
}

/**
 * New tokens, one or more a sequence, over what was decoded before. ids: (R, T), places: (R, T, 2).
 * Result: (R, T, d_model).
 */
export function decodeCached(
  ids: Tensor,
  { caches, memory, ...known }: CachedTokens,
  { target, decoder }: LanguageModelWeights,
): Tensor {
  const self: StackSelf = ({ selfAttention: own }, index, { bias }) => {
    const cache = caches[index];
    if (cache === undefined) throw new RangeError(`decoder layer ${index} has no cache`);
    const here = { cache, ...known };
    return (x, residual) =>
      own.memory
        ? own.record(x, { memory: here, residual })
        : cachedSelfAttention(x, own, { ...here, bias, residual });
  };
  return stack(embed({ ids, place: known.place }, target), decoder, {
    self,
    cross: recall(memory),
  });
}
