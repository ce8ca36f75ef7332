// §3.5 of "Attention Is All You Need": positional encoding.

import { TransformerError } from '../../runtime/errors.ts';

/** Numbers in a table at most, which takes a fraction of a second. */
const LARGEST_TABLE = 2 ** 24;

/**
 * "PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))",
 * computed in float64. Returns (positions, d_model), row after row.
 *
 * Departs from the paper with `halves`: all sines come first, then all cosines, as in Marian; the
 * middle column of an odd d_model is a sine.
 */
export function sinusoidalPositions(
  positions: number,
  dModel: number,
  layout: 'interleaved' | 'halves' = 'interleaved',
): Float32Array<ArrayBuffer> {
  if (!(positions * dModel <= LARGEST_TABLE)) {
    throw new TransformerError(
      'LIMIT_EXCEEDED',
      `A table of ${positions} positions of ${dModel} numbers is too large. Correct ` +
        '"max_position_embeddings" in config.json.',
    );
  }
  const table = new Float32Array(positions * dModel);
  const sines = Math.ceil(dModel / 2);
  const divisors = Float64Array.from({ length: sines }, (_, i) => 10000 ** ((2 * i) / dModel));
  for (let position = 0; position < positions; position++) {
    for (let column = 0; column < dModel; column++) {
      const pair = column >> 1;
      const angle = position / (divisors[pair] ?? 1);
      const even = column % 2 === 0;
      const at = layout === 'interleaved' ? column : even ? pair : sines + pair;
      table[position * dModel + at] = even ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}
