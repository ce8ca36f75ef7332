// Declares the weights of norms.

import type { LayerNormWeights } from '../../shaders/rows/norm.ts';
import type { WeightLoader } from '../weights/weights.ts';

/** `prefix.weight` and `prefix.bias`. `eps`: PyTorch's when absent. */
export function layerNormWeights(
  loader: WeightLoader,
  prefix: string,
  size: number,
  eps: number = 1e-5,
): LayerNormWeights {
  return {
    weight: loader.vector(`${prefix}.weight`, size),
    bias: loader.vector(`${prefix}.bias`, size),
    eps,
  };
}

/** `prefix.weight` alone, of a norm that shifts nothing. `eps`: PyTorch's when absent. */
export function unshiftedNormWeights(
  loader: WeightLoader,
  prefix: string,
  size: number,
  eps: number = 1e-5,
): LayerNormWeights {
  return {
    weight: loader.vector(`${prefix}.weight`, size),
    bias: loader.computed(`${prefix}.bias`, [size], new Float32Array(size)),
    eps,
  };
}
