// Products with the weights of experts: each of a model's is one of these.

import type { Tensor } from '../../runtime/tensor.ts';
import { expertMatmul } from '../../shaders/experts/expert-matmul.ts';
import type { Routes } from '../../shaders/experts/route.ts';
import type { ExpertLinear } from '../weights/expert-weights.ts';

/** xW[e]ᵀ + b[e] for each choice of a token, with what adapters add. x and result: as of `expertMatmul`. */
export function expertLinear(x: Tensor, layer: ExpertLinear, routes: Routes): Tensor {
  const y = expertMatmul(x, layer, routes);
  return layer.update === undefined ? y : layer.update(y, x, routes);
}
