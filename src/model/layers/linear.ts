// Linear layers: every product of a model's weights is one of these.

import type { Tensor } from '../../runtime/tensor.ts';
import { gatedLinear } from '../../shaders/matmul/gated.ts';
import { type Activation, matmul } from '../../shaders/matmul/matmul.ts';
import type { Linear } from '../weights/linear-weights.ts';

/** activation(xWᵀ + b) + residual. x: (…, in), result: (…, out). */
export function linear(
  x: Tensor,
  { weight, bias }: Linear,
  options: { activation?: Activation; residual?: Tensor | undefined; label?: string } = {},
): Tensor {
  return matmul(x, weight, { transposed: true, bias, ...options });
}

/** activation(xWᵀ + b) ⊗ (xVᵀ + c), W above V in one layer. x: (…, in), result: (…, out / 2). */
export function gated(x: Tensor, { weight, bias }: Linear, activation: Activation): Tensor {
  return gatedLinear(x, weight, { bias, activation });
}
