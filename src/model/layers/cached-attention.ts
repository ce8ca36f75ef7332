// Multi-head attention of new tokens over the caches of decoding.

import type { Tensor } from '../../runtime/tensor.ts';
import {
  attentionDecode,
  type BlockTable,
} from '../../shaders/attention/decode/attention-decode.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { headsOf, type SelfAttentionWeights, splits, takeApart } from './attention.ts';
import { linear } from './linear.ts';

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
  const projections = linear(x, weights.queryKeyValue, { label: 'query, key, value' });
  const scoring = { ...heads, bias };
  const single = x.size(1) === 1;
  // A token alone may join the cache as it is attended to.
  const joins = single && !splits(weights);
  const q = joins ? projections : takeApart(projections, weights, known);
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
  return linear(weights.gate?.record(attended, x) ?? attended, weights.output, {
    residual,
    label: 'attention output',
  });
}
