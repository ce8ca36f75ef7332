// §3.1 of "Attention Is All You Need" (Vaswani et al., arXiv 1706.03762): residual connections.

import { type LayerNormWeights, layerNorm } from '../shaders/layer-norm.ts';
import type { Tensor } from '../runtime/tensor.ts';

/** A sub-layer; it adds `residual`, when given, to what it computes from `x`. (B, T, d_model) */
export type Sublayer = (x: Tensor, residual?: Tensor) => Tensor;

/** Puts a sub-layer, its residual connection and its normalization together. */
export type ResidualConnection = (x: Tensor, norm: LayerNormWeights, sublayer: Sublayer) => Tensor;

/** "The output of each sub-layer is LayerNorm(x + Sublayer(x))." §3.1 */
export const postNorm: ResidualConnection = (x, norm, sublayer) =>
  layerNorm(sublayer(x), norm, { residual: x });

/** x + Sublayer(LayerNorm(x)). Departs from the paper: "pre-norm", Xiong et al., arXiv 2002.04745. */
export const preNorm: ResidualConnection = (x, norm, sublayer) => sublayer(layerNorm(x, norm), x);
