// The gradients of the matrix product, which are matrix products.

import type { Tensor } from '../runtime/tensor.ts';
import { columnSum } from './column-sum.ts';
import { formFor, type Product, product } from './matmul-kernels.ts';
import type { Rule } from './traces.ts';
import { transpose } from './transpose.ts';

/** In the forward pass this was y = x·W: dx = dy·Wᵀ and dW = xᵀ·dy, or transposed ones of these. */
export const matmulGradient: Rule<'matmul'> = ({ trace }, dy) => {
  const { x, weight, bias, residual, ...sizes } = trace;
  const { batches, rows, columns, depth, transposed } = sizes;
  const { recording } = dy;
  const dx = (): Tensor => {
    const y = recording.transient(`d ${x.label}`, x.shape);
    const turned = { transposed: !transposed, columns: depth, depth: columns };
    product({ x: dy, weight, y, ...sizes, ...turned });
    return y;
  };
  // dW = xᵀ·dy is (depth, columns), dWᵀ = dyᵀ·x is (columns, depth); each is a plain product.
  const [left, right] = transposed ? [dy, x] : [x, dy];
  const [height, width] = transposed ? [columns, depth] : [depth, columns];
  const dWeight = (): Tensor => {
    const y = recording.transient(`d ${weight.label}`, weight.shape);
    productOfTransposed({
      x: left,
      weight: right,
      y,
      transposed: false,
      batches,
      rows: height,
      columns: width,
      depth: rows,
      pitch: width,
      weightStride: batches === 1 ? 0 : rows * width,
    });
    return y;
  };
  return [
    [x, dx],
    [weight, dWeight],
    [bias, () => columnSum(dy, `d ${bias?.label ?? ''}`)],
    [residual, () => dy],
  ];
};

/** A product whose x is (depth, rows) in memory; it is transposed first where no kernel reads that. */
export function productOfTransposed(operands: Product): void {
  const { x, y, batches, rows, depth } = operands;
  const form = formFor(y.recording.gpu, { ...operands, xTransposed: true });
  const isRead = 'X_TRANSPOSED' in form.kernel.constants;
  const left = isRead ? x : transpose(x, { batches, rows: depth, columns: rows });
  product({ ...operands, x: left }, form);
}
