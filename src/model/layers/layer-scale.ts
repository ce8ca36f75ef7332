// LayerScale, "Going deeper with Image Transformers" (Touvron et al., 2021, arXiv 2103.17239), §2: each column
// of what a sub-layer adds has a factor.

import { columnScale } from '../../shaders/elementwise/column-scale.ts';
import { drops, dropout } from '../../shaders/elementwise/dropout.ts';
import { normalize } from '../../shaders/rows/norm.ts';
import { type Block, outputOf } from './block.ts';

/** x + λ ⊙ Sublayer(LayerNorm(x)), λ being the `scale` of the norm. */
export const scaledPreNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((sum, sublayer) => {
    const { norm } = sublayer;
    if (norm.scale === undefined) throw new RangeError('scaledPreNorm: a norm without a scale');
    const y = outputOf(sublayer, normalize(sum, norm));
    if (!drops(x.recording, rate)) return columnScale(y, norm.scale, { residual: sum });
    return dropout(columnScale(y, norm.scale), rate, { residual: sum });
  }, x);
