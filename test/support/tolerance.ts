// How far a result may lie from its float64 reference. One function; it is derived, not fitted.

import { blocksOf, type Dtype, type PlainDtype } from '../../src/runtime/dtype.ts';

/** Unit roundoff: half the distance from 1 to the next larger number. Integers do not round. */
const roundoff: Readonly<Record<PlainDtype, number>> = {
  f32: 2 ** -24,
  f16: 2 ** -11,
  bf16: 2 ** -8,
  u32: 0,
};

/** The smallest normal f32: below it, hardware may flush to zero. */
const smallestNormal = 2 ** -126;

/**
 * The largest error allowed for an element into which terms flow whose absolute values add up to
 * `magnitude`, the longest sum among them having `length` terms.
 *
 * A sum of n rounded products, added in any order, is off by at most n·u·Σ|terms|, u being the
 * roundoff. Rounding errors do not conspire: with independent errors the sum stays within
 * λ·√n·u·Σ|terms| but for a probability of 2·exp(-λ²/2) (Higham & Mary, "A New Approach to
 * Probabilistic Rounding Error Analysis", 2019). λ = 6 leaves 3e-8.
 *
 * What does not grow with n is at most 8 u: WGSL allows exp an error of 3 + 2|x| ULP, that is
 * 6 + 4|x| u (the |x| is part of the magnitude), division 2.5 ULP, inverseSqrt 2 ULP, log 3 ULP or
 * 2^-21 (8 u) near 1; bias, residual and the final product add a u each.
 */
export function tolerance(dtype: Dtype, length: number, magnitude: number): number {
  if (dtype === 'u32') return 0;
  // Rounding to blocks goes by their numbers, not by an element: what is allowed is said as it is.
  if (blocksOf(dtype)) return magnitude + smallestNormal;
  const unit = roundoff[dtype as PlainDtype];
  return (8 + 6 * Math.sqrt(length)) * unit * magnitude + smallestNormal;
}
