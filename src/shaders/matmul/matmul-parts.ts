// Matrix products some of whose tensors are in parts (runtime/parts.ts): a sequence of products on
// whole ones, for which all kernels serve as they are.

import { type Part, partsOf, rowsIn, transientLike, windowOf } from '../../runtime/parts.ts';
import { wholeProduct } from './matmul-kernels.ts';
import type { Product } from './matmul-problem.ts';

/** Appends a product to the recording of `y`, whatever the shapes of its operands are called. */
export function product(operands: Product): void {
  const { x, weight, transposed, y } = operands;
  if (x.parts !== undefined || y.parts !== undefined) {
    for (const part of partsOf(x.parts === undefined ? y : x)) {
      product({ ...rowsOf(operands, part), x: rowsIn(x, part) });
    }
  } else if (weight.parts === undefined) {
    wholeProduct(operands);
  } else if (transposed) {
    for (const part of partsOf(weight)) wholeProduct(columnsOf(operands, part));
  } else {
    addUp(partsOf(weight), operands, (sum, part) => {
      const xPitch = operands.depth;
      const left = windowOf(x, part.first, { shape: [sum.rows, part.rows], pitch: xPitch });
      wholeProduct({ ...sum, x: left, weight: part.tensor, xPitch });
    });
  }
}

/** The product for some rows of y, all but its x. */
export function rowsOf({ residual, y, ...operands }: Product, part: Part): Product {
  return {
    ...operands,
    residual: residual && rowsIn(residual, part),
    y: rowsIn(y, part),
    rows: part.rows,
  };
}

/** The product with some rows of a transposed W: columns of y, which is whole. */
function columnsOf({ bias, residual, y, ...operands }: Product, part: Part): Product {
  const { first, rows: columns, tensor } = part;
  const yPitch = operands.columns;
  const window = { shape: [operands.rows, columns], pitch: yPitch };
  return {
    ...operands,
    weight: tensor,
    bias: bias && windowOf(bias, first, { shape: [columns] }),
    residual: residual && windowOf(residual, first, window),
    y: windowOf(y, first, window),
    columns,
    yPitch,
  };
}

/** Adds up the products over parts of the depth: each takes the sum so far for its residual. */
export function addUp(
  parts: readonly Part[],
  operands: Product,
  append: (sum: Product, part: Part) => void,
): void {
  const { y, bias, activation = 'none' } = operands;
  if (activation !== 'none') throw new RangeError('sums over parts have no activation');
  let { residual } = operands;
  parts.forEach((part, index) => {
    const sum = index === parts.length - 1 ? y : transientLike(y);
    append(
      { ...operands, depth: part.rows, bias: index === 0 ? bias : undefined, residual, y: sum },
      part,
    );
    residual = sum;
  });
}
