// "LAuReL: Learned Augmented Residual Layer" (Menghani et al., 2024, arXiv 2411.07501, §2.2), as in Gemma 3n: a product
// of low rank beside a sub-layer.

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { scale } from '../../shaders/elementwise/scale.ts';
import { normalize, type NormWeights } from '../../shaders/rows/norm.ts';
import type { Linear } from '../weights/linear-weights.ts';
import { afterNormOf, type Block, normOf, outputOf, pointOf } from './block.ts';
import { linear } from './linear.ts';

/** Plain data in public fields, as of heads. */
export class Laurel {
  /** (rank, d_model) */
  readonly left: Linear;
  /** (d_model, rank) */
  readonly right: Linear;
  readonly norm: NormWeights;

  constructor(left: Linear, right: Linear, norm: NormWeights) {
    this.left = left;
    this.right = right;
    this.norm = norm;
  }

  /** x + Norm(x · leftᵀ · rightᵀ). x and result: (B, T, d_model). */
  record(x: Tensor): Tensor {
    const low = linear(x, this.left, { label: 'laurel, inner' });
    return add(x, normalize(linear(low, this.right, { label: 'laurel' }), this.norm));
  }
}

/** x + Norm(Sublayer(n)), n = Norm(x); with something beside the sub-layer, (x + Norm(Sublayer(n)) + Beside(n)) / √2. */
export const besideSublayers: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const { beside } = sublayer.norm;
    const input = normOf(sublayer, h);
    const y = afterNormOf(sublayer, outputOf(sublayer, input));
    const sum = add(h, dropout(y, rate));
    const all = beside ? scale(add(sum, beside.record(input)), Math.SQRT1_2) : sum;
    return pointOf(sublayer, 'residual', all);
  }, x);
