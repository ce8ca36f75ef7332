// The norm behind each sub-layer, within its residual connection: "res-post-norm", Swin Transformer V2 (Liu et al.,
// 2021, arXiv 2111.09883, §3.2); OLMo 2 (arXiv 2501.00656, §3.2) calls it reordered.

import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { type Block, normOf, outputOf, pointOf } from './block.ts';

/** x + Norm(Sublayer(x)). */
export const reorderedNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const y = normOf(sublayer, outputOf(sublayer, h));
    return pointOf(sublayer, 'residual', add(h, dropout(y, rate)));
  }, x);
