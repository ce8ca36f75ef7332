// The gradient of columns that are scaled.

import { type ColumnScaleEntry, multiplied } from '../../elementwise/column-scale.ts';
import type { Rule } from '../../traces.ts';
import { columnSum } from './column-sum.ts';

export const columnScaleBackward: Rule<ColumnScaleEntry> = ({ trace }, dy) => {
  const { x, factor, residual } = trace;
  const label = `d ${factor.label}`;
  return [
    [x, () => multiplied(dy, factor, { label: `d ${x.label}` })],
    [
      factor,
      () => {
        const products = multiplied(dy, x, { label: `${label}, by rows` });
        return columnSum(products, label, factor.shape);
      },
    ],
    [residual, () => dy],
  ];
};
