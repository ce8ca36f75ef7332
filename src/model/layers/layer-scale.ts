// LayerScale, "Going deeper with Image Transformers" (Touvron et al., 2021, arXiv 2103.17239), §2: each column
// of what a sub-layer adds has a factor.

import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { drops, dropout } from '../../shaders/elementwise/dropout.ts';
import { type Block, normOf, outputOf, pointOf } from './block.ts';

/** x + λ ⊙ Sublayer(LayerNorm(x)), λ being the `scale` of the norm. */
export const scaledPreNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((sum, sublayer) => {
    const { norm } = sublayer;
    if (norm.scale === undefined) throw new RangeError('scaledPreNorm: a norm without a scale');
    const y = outputOf(sublayer, normOf(sublayer, sum));
    const next = drops(x.recording, rate)
      ? dropout(columnScale(y, norm.scale), rate, { residual: sum })
      : columnScale(y, norm.scale, { residual: sum });
    return pointOf(sublayer, 'residual', next);
  }, x);
