// The weights of all experts of a layer, as the classes of transformers have them: one parameter.

import type { Tensor } from '../../runtime/tensor.ts';
import type { ExpertWeights } from '../../shaders/experts/expert-matmul.ts';
import type { Routes } from '../../shaders/experts/route.ts';

/** y = xW[e]ᵀ + b[e] for each choice of a token. */
export interface ExpertLinear extends ExpertWeights {
  /** The name of its parameter in the class of the checkpoint, whose file may have a matrix for each expert. */
  readonly name: string;
  readonly experts: number;
  /** What an adapter adds beside the products; the weight, which it need not know, stays as it is. */
  readonly update?: ExpertUpdate;
}

/** Records y with what is added to it. x: as of `expertMatmul`; y, which is its product, and result: (choices, out). */
export type ExpertUpdate = (y: Tensor, x: Tensor, routes: Routes) => Tensor;
