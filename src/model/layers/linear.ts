// Linear layers: every product of a model's weights is one of these.

import type { Tensor } from '../../runtime/tensor.ts';
import { add } from '../../shaders/elementwise/add.ts';
import { activate } from '../../shaders/matmul/gates/activate.ts';
import { gated as gate, gatedLinear } from '../../shaders/matmul/gates/gated.ts';
import { type Activation, matmul } from '../../shaders/matmul/matmul.ts';
import { reorder } from '../../shaders/matmul/columns/reorder.ts';
import type { Linear } from '../weights/linear-weights.ts';

interface LinearOptions {
  readonly activation?: Activation;
  readonly residual?: Tensor | undefined;
  readonly label?: string;
}

/** activation(xWᵀ + b) + residual. x: (…, in), result: (…, out). An update acts before the activation. */
export function linear(
  x: Tensor,
  { weight, bias, order, update, rescales = false }: Linear,
  options: LinearOptions = {},
): Tensor {
  const { activation = 'none', residual, ...others } = options;
  const product = { transposed: true, bias, ...others };
  const input = inOrder(x, order);
  if (update === undefined) return matmul(input, weight, { ...product, activation, residual });
  if (activation === 'none' && !rescales) {
    return update(matmul(input, weight, { ...product, residual }), x);
  }
  const updated = update(matmul(input, weight, product), x);
  const y = activation === 'none' ? updated : activate(updated, activation);
  return residual === undefined ? y : add(y, residual);
}

/**
 * activation(xWᵀ + b) ⊗ (xVᵀ + c), W above V in one layer, or V above W. x: (…, in), result: (…, out / 2).
 */
export function gated(
  x: Tensor,
  layer: Linear,
  activation: Activation,
  valueFirst: boolean = false,
): Tensor {
  const { weight, bias, order, update } = layer;
  if (update === undefined && !valueFirst) {
    return gatedLinear(inOrder(x, order), weight, { bias, activation });
  }
  return gate(linear(x, layer, { label: 'gated input' }), activation, { valueFirst });
}

/** x as the columns of a weight have it, where these are in an order of their own. */
function inOrder(x: Tensor, order: Tensor | undefined): Tensor {
  return order === undefined ? x : reorder(x, order);
}
