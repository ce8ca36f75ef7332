// Normalization along the last axis, of either kind: by mean and variance, or by the mean square.

import type { Tensor } from '../../runtime/tensor.ts';
import { layerNorm, type LayerNormWeights } from '../../shaders/rows/layer-norm.ts';
import { rmsNorm, type RmsNormWeights } from '../../shaders/rows/rms-norm.ts';

/** Layer norms have a bias, RMS norms have none. */
export type NormWeights = LayerNormWeights | RmsNormWeights;

/** LayerNorm or RMSNorm of x + residual. (…, columns) */
export function normalize(
  x: Tensor,
  weights: NormWeights,
  options: { residual?: Tensor; label?: string } = {},
): Tensor {
  return 'bias' in weights ? layerNorm(x, weights, options) : rmsNorm(x, weights, options);
}
