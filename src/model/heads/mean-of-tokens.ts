// The mean of what lies in a sequence, padding left out.

import type { Tensor } from '../../runtime/tensor.ts';
import { attention } from '../../shaders/attention/attention.ts';
import { tokenMeans } from '../../shaders/image/token-means.ts';

/**
 * Of states (B, T, d_model) and mask (B, T), 0 = padding: (B, d_model). `heads`: a divisor of the width, by which
 * states are taken apart while their mean is computed.
 */
export function meanOfTokens(states: Tensor, mask: Tensor | undefined, heads: number): Tensor {
  if (mask === undefined) throw new RangeError('a mean of tokens needs a mask');
  const [batch = 0, , size = 0] = states.shape;
  // A query of zeros finds all states alike.
  const q = { tensor: states.recording.persistent('no query', [batch, 1, size]), start: 0 };
  const k = { tensor: states, start: 0 };
  const sizes = { heads, headSize: size / heads };
  const { output } = attention({ q, k, v: k, keyMask: mask, ...sizes, causal: false });
  return tokenMeans(output, { first: 0, count: 1 });
}
