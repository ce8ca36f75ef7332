// The norm behind each sub-layer, within its residual connection: "res-post-norm", Swin Transformer V2 (Liu et al.,
// 2021, arXiv 2111.09883, §3.2); OLMo 2 (arXiv 2501.00656, §3.2) calls it reordered.

import { add } from '../../shaders/elementwise/add.ts';
import { dropout } from '../../shaders/elementwise/dropout.ts';
import { normalize } from '../../shaders/rows/norm.ts';
import { type Block, outputOf } from './block.ts';

/** x + Norm(Sublayer(x)). */
export const reorderedNorm: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const y = normalize(outputOf(sublayer, h), sublayer.norm);
    return add(h, dropout(y, rate));
  }, x);
