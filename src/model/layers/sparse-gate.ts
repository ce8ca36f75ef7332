// A gated feed-forward network of which a share of the gates alone is open: "statistical top-k", Spark Transformer (You et
// al., 2025, arXiv 2506.06644), as in Gemma 3n.

import type { Tensor } from '../../runtime/tensor.ts';
import { columnProduct } from '../../shaders/elementwise/column-scale.ts';
import { activate } from '../../shaders/matmul/gates/activate.ts';
import type { Activation } from '../../shaders/matmul/matmul.ts';
import { gaussianTopK } from '../../shaders/rows/gaussian-top-k.ts';
import type { Linear } from '../weights/linear-weights.ts';
import type { ComposedFeedForward } from './feed-forward.ts';
import { linear } from './linear.ts';

interface SparseGateParts {
  /** (d_ff, d_model) */
  readonly gate: Linear;
  /** (d_ff, d_model) */
  readonly value: Linear;
  /** (d_model, d_ff) */
  readonly outer: Linear;
  readonly activation: Activation;
  /** Deviations from the mean that a gate is to be above. */
  readonly deviations: number;
}

/** Plain data in a public field, as of heads. */
export class SparseGate implements ComposedFeedForward {
  readonly kind = 'composed';
  readonly parts: SparseGateParts;

  constructor(parts: SparseGateParts) {
    this.parts = parts;
  }

  record(x: Tensor, residual: Tensor | undefined): Tensor {
    const { gate, value, outer, activation, deviations } = this.parts;
    const cut = gaussianTopK(linear(x, gate, { label: 'gate' }), deviations);
    const open = activate(cut, activation);
    const values = linear(x, value, { label: 'gated input' });
    const hidden = columnProduct(open, values, 0, 'feed-forward inner');
    return linear(x.recording.tap('inner', hidden), outer, { residual, label: 'feed-forward' });
  }
}

/**
 * How many deviations above the mean a normal distribution has a share `p` of its numbers below it: Φ⁻¹(p), 0 < p < 1. By
 * Newton's method, which comes to it from the mean in ever smaller steps, until rounding is all that is left.
 */
export function normalQuantile(p: number): number {
  let [z, last] = [0, Infinity];
  for (;;) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const step = (p - 0.5) / density - halfMass(z);
    if (!(Math.abs(step) < last)) return z;
    z += step;
    last = Math.abs(step);
  }
}

/** (Φ(z) - ½) / φ(z) = z + z³/3 + z⁵/(3 · 5) + … */
function halfMass(z: number): number {
  let [sum, term] = [0, z];
  for (let n = 3; sum + term !== sum; n += 2) {
    sum += term;
    term *= (z * z) / n;
  }
  return sum;
}
