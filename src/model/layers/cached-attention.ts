// Multi-head attention of new tokens over the caches of decoding.

import type { Tensor } from '../../runtime/tensor.ts';
import {
  attentionDecode,
  type BlockTable,
} from '../../shaders/attention/decode/attention-decode.ts';
import { attention } from '../../shaders/attention/attention.ts';
import {
  concatenate,
  headsOf,
  type Projections,
  projectionsOf,
  rotatedOf,
  type SelfAttentionWeights,
  splits,
  takeApart,
} from './attention.ts';

export interface CachedAttentionOptions extends BlockTable {
  /** (slots, 2 · key width), see `attentionDecode` */
  readonly cache: Tensor;
  /** Of caches in f16: see `attentionDecode`. */
  readonly spill?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
}

/** Causal self-attention of new tokens, which join the caches, over all they hold. x: (R, T, d_model). */
export function cachedSelfAttention(
  x: Tensor,
  weights: SelfAttentionWeights,
  { bias, residual, ...known }: CachedAttentionOptions,
): Tensor {
  const { cache, place, table } = known;
  const heads = headsOf(weights);
  const { width, keyWidth } = heads;
  const { projections, apart } = readyFor(x, weights, known.place);
  const scoring = { ...heads, bias };
  const single = x.size(1) === 1;
  // A token alone may join the cache as it is attended to.
  const joins = single && !splits(apart) && apart.keysOf === undefined;
  const q = joins ? projections : takeApart(projections, apart, known);
  const starts = joins ? { q: 0, k: width, v: width + keyWidth } : { q: 0 };
  const attended = single
    ? attentionDecode({ projections: q, starts, ...known, ...scoring })
    : attention({
        q: { tensor: q, start: 0 },
        k: { tensor: cache, start: 0 },
        v: { tensor: cache, start: keyWidth },
        table,
        place,
        ...scoring,
        causal: true,
      }).output;
  return concatenate(weights.gate?.record(attended, x) ?? attended, weights, residual);
}

/** Projections as they go into the cache: with norms and positions already where somebody asks for these. */
function readyFor(x: Tensor, weights: SelfAttentionWeights, place: Tensor): Projections {
  const projected = projectionsOf(x, weights, place);
  const { apart } = projected;
  const isAsked = ['rotatedQuery', 'rotatedKey'].some((name) => x.recording.isTapped(name));
  if (!isAsked || !splits(apart)) return projected;
  return {
    projections: rotatedOf(takeApart(projected.projections, apart, { place }), apart),
    apart: {
      ...apart,
      rotary: undefined,
      headNorm: undefined,
      sharpness: undefined,
      interleaved: false,
      keysAreValues: false,
    },
  };
}
