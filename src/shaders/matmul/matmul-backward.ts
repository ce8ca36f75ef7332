// The gradients of the matrix product, which are matrix products.

import { once } from '../../runtime/gradient.ts';
import { partsOf, rowsIn, transientLike, windowOf } from '../../runtime/parts.ts';
import type { Tensor } from '../../runtime/tensor.ts';
import { columnSum } from './columns/column-sum.ts';
import { formFor, wholeProduct } from './matmul-kernels.ts';
import type { Product } from './matmul-problem.ts';
import { addUp, product, rowsOf } from './matmul-parts.ts';
import type { MatmulEntry } from './matmul.ts';
import type { Rule } from '../traces.ts';
import { transpose } from './columns/transpose.ts';

/** In the forward pass this was y = x·W: dx = dy·Wᵀ and dW = xᵀ·dy, or transposed ones of these. */
export const matmulBackward: Rule<MatmulEntry> = ({ trace }, dy) => {
  const { x, weight, bias, residual, ...sizes } = trace;
  const { batches, rows, columns, depth, transposed } = sizes;
  const dx = (): Tensor => {
    const y = transientLike(x, { label: `d ${x.label}`, recording: dy.recording });
    const turned = { transposed: !transposed, columns: depth, depth: columns };
    product({ x: dy, weight, y, ...sizes, ...turned });
    return y;
  };
  // dW = xᵀ·dy is (depth, columns), dWᵀ = dyᵀ·x is (columns, depth); each is a plain product.
  const [left, right] = transposed ? [dy, x] : [x, dy];
  const [height, width] = transposed ? [columns, depth] : [depth, columns];
  const dWeight = (): Tensor => {
    const y = transientLike(weight, { label: `d ${weight.label}`, recording: dy.recording });
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
  const { x, weight, y, batches, rows, depth } = operands;
  const cut = [x, weight].find(({ parts }) => parts !== undefined);
  if (cut !== undefined) {
    addUp(partsOf(cut), operands, (sum, part) => {
      productOfTransposed({ ...sum, x: rowsIn(x, part), weight: rowsIn(weight, part) });
    });
    return;
  }
  const turned = once(() => transpose(x, { batches, rows: depth, columns: rows }));
  const append = (own: Product, columns: Tensor, asRows: () => Tensor): void => {
    const form = formFor(y.recording.gpu, { ...own, xTransposed: true, xPitch: rows });
    const isRead = 'X_TRANSPOSED' in form.kernel.constants;
    const left = isRead ? { x: columns, xTransposed: true, xPitch: rows } : { x: asRows() };
    wholeProduct({ ...own, ...left }, form);
  };
  if (y.parts === undefined) {
    append(operands, x, turned);
    return;
  }
  for (const part of partsOf(y)) {
    const columns = windowOf(x, part.first, { shape: [depth, part.rows], pitch: rows });
    append(rowsOf(operands, part), columns, () => rowsIn(turned(), part));
  }
}
