// Relative position biases of T5 (Raffel et al., arXiv 1910.10683, §2.1): "each embedding is simply a
// scalar that is added to the corresponding logit used for computing the attention weights".

import type { Recording } from '../../runtime/record.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { embedding } from '../../shaders/embedding/embedding.ts';

export interface RelativeBias {
  /** (buckets, heads) */
  readonly table: Tensor;
  /** The bucket of each distance from key to query, -reach first: (2 · reach + 1) u32 */
  readonly buckets: Tensor;
}

/** The bias by distance: (2 · reach + 1, heads). Distances beyond share a bucket with the last one. */
export function relativeBias(recording: Recording, { table, buckets }: RelativeBias): Tensor {
  return embedding(recording.use(buckets), table);
}

/**
 * Buckets of the distances -maxDistance … maxDistance, key minus query. "Half of the buckets are for
 * exact increments in positions; the other half are for logarithmically bigger bins in positions up
 * to max_distance, beyond which all relative positions map to the same bucket." Encoders, which look
 * both ways, give half of all buckets to keys behind the query.
 */
export function distanceBuckets(
  buckets: number,
  maxDistance: number,
  bidirectional: boolean,
): Uint32Array<ArrayBuffer> {
  const count = bidirectional ? Math.floor(buckets / 2) : buckets;
  const exact = Math.floor(count / 2);
  return Uint32Array.from({ length: 2 * maxDistance + 1 }, (_, index) => {
    const distance = index - maxDistance;
    const first = bidirectional && distance > 0 ? count : 0;
    const back = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
    if (back < exact) return first + back;
    // As in f32, where exact powers may fall short of a whole number.
    const ratio = Math.fround(Math.log(Math.fround(back / exact)));
    const bin = Math.fround(ratio / Math.log(maxDistance / exact)) * (count - exact);
    return first + Math.min(count - 1, exact + Math.trunc(Math.fround(bin)));
  });
}
