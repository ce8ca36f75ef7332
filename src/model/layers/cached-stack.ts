// The decoder of "Attention Is All You Need" over the caches of generation.

import type { Tensor } from '../../runtime/tensor.ts';
import type { BlockTable } from '../../shaders/attention/decode/attention-decode.ts';
import { cachedSelfAttention } from './cached-attention.ts';
import { embed } from './embeddings.ts';
import type { LanguageModelWeights } from './logits.ts';
import {
  type LayerWeights,
  stack,
  type StackCross,
  type StackSelf,
  type StackWeights,
} from './stack.ts';

/** Where new tokens join what was decoded before. */
export interface CachedTokens extends BlockTable {
  /** One a layer that has keys of its own. */
  readonly caches: readonly Tensor[];
  /** Of caches in f16: see `attentionDecode`. */
  readonly spill?: Tensor | undefined;
  /** (R) u32: see `TokenMemory`. Only where layers keep states, of sequences that come and go. */
  readonly states?: Tensor | undefined;
  /** The attention to an encoder's output, see `recall`. */
  readonly cross?: StackCross | undefined;
}

/**
 * New tokens, one or more a sequence, over what was decoded before. ids: (R, T), places: (R, T, 2).
 * Result: (R, T, d_model).
 */
export function decodeCached(
  ids: Tensor,
  { caches, cross, states, ...known }: CachedTokens,
  { target, decoder }: LanguageModelWeights,
): Tensor {
  const self: StackSelf = ({ selfAttention: own }, index, { bias }) => {
    const cache = caches[own.keysOf ?? index];
    if (cache === undefined) throw new RangeError(`decoder layer ${index} has no cache`);
    const here = { cache, ...known };
    return (x, residual) =>
      own.memory
        ? own.record(x, { memory: { ...here, states }, residual })
        : cachedSelfAttention(x, own, { ...here, bias, residual });
  };
  const x = embed({ ids, place: known.place }, target);
  const perLayer = target.perLayer?.record(ids, x);
  return stack(x, decoder, { self, cross, perLayer });
}

/** The layers with keys of their own, before those that take them. */
export function layersWithKeys({ layers }: StackWeights): readonly LayerWeights[] {
  return layers.filter(({ selfAttention }) => selfAttention.keysOf === undefined);
}
