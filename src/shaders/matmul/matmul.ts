// Matrix product with fused bias, activation and residual.

import { TransformerError } from '../../runtime/errors.ts';
import { transientInParts } from '../../runtime/parts.ts';
import { elements, type Tensor } from '../../runtime/tensor.ts';
import { activate } from './gates/activate.ts';
import { type Activation, activationCodes } from './matmul-kernels.ts';
import type { Product } from './matmul-problem.ts';
import { product } from './matmul-parts.ts';
import type { Traced } from '../traces.ts';

export { type Activation, activationCodes };

export type MatmulEntry = Traced<'matmul', Omit<Product, 'y' | 'activation' | 'gated'>>;

export interface MatmulOptions {
  /** Whether the weight is stored as (columns, depth), as the weights of linear layers are. */
  transposed?: boolean;
  /** (columns) */
  bias?: Tensor | undefined;
  activation?: Activation;
  /** Added last; shaped like the result. */
  residual?: Tensor | undefined;
  label?: string;
}

/**
 * y = activation(x·W + bias) + residual, accumulated in f32.
 * x: (…, rows, depth). W: (depth, columns), or one such matrix per batch; with `transposed`,
 * (columns, depth). y: (…, rows, columns).
 */
export function matmul(x: Tensor, weight: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposed = false, bias, activation = 'none', residual, label = 'matmul' } = options;
  const { recording } = x;
  const depth = x.size(-1);
  const columns = weight.size(transposed ? -2 : -1);
  const wanted = weight.size(transposed ? -1 : -2);
  if (wanted !== depth) {
    throw new TransformerError(
      'TENSOR_MISMATCH',
      `matmul: ${x.describe()} has rows of ${depth}, but ${weight.describe()} takes ${wanted}.`,
    );
  }
  if (recording.training && activation !== 'none') {
    // The way back needs what the activation was applied to, so it cannot be fused.
    if (residual !== undefined) {
      throw new RangeError('matmul: activation and residual together have no gradient');
    }
    return activate(matmul(x, weight, { ...options, activation: 'none' }), activation);
  }
  // A weight that all batches share sees them as more rows of one matrix.
  const batches = weight.shape.length > 2 ? elements(weight.shape.slice(0, -2)) : 1;
  const rows = elements(x.shape) / depth / batches;
  const shape = [...x.shape.slice(0, -1), columns];
  const y =
    batches === 1 ? transientInParts(recording, label, shape) : recording.transient(label, shape);
  const weightStride = batches === 1 ? 0 : weight.size(-2) * weight.pitch;
  const { pitch } = weight;
  const sizes = { batches, rows, columns, depth, transposed, pitch, weightStride };
  product({ x, weight, bias, residual, activation, y, ...sizes });
  recording.differentiate({
    op: 'matmul',
    output: y,
    inputs: [x, weight, bias, residual],
    trace: { x, weight, bias, residual, ...sizes },
  } satisfies MatmulEntry);
  return y;
}
