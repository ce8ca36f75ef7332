// Residual connections around what a norm gives, not around what it takes: Megatron-LM's
// `apply_residual_connection_post_layernorm`, as some BLOOMs have it.

import { dropout } from '../../shaders/elementwise/dropout.ts';
import { type Block, normOf, outputOf, pointOf } from './block.ts';

/** LayerNorm(x) + Sublayer(LayerNorm(x)). */
export const normedResidual: Block = (x, sublayers, rate = 0) =>
  sublayers.reduce((h, sublayer) => {
    const input = normOf(sublayer, h);
    const sum = dropout(outputOf(sublayer, input), rate, { residual: input });
    return pointOf(sublayer, 'residual', sum);
  }, x);
