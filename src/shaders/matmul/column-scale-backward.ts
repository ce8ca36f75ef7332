// The gradient of columns that are scaled.

import { type ColumnScaleEntry, multiplied } from '../elementwise/column-scale.ts';
import type { Rule } from '../traces.ts';
import { columnSum } from './column-sum.ts';

export const columnScaleBackward: Rule<ColumnScaleEntry> = ({ trace }, dy) => {
  const { x, factor, residual } = trace;
  return [
    [x, () => multiplied(dy, factor, `d ${x.label}`)],
    [factor, () => columnSum(multiplied(dy, x, `d ${factor.label}, by rows`), `d ${factor.label}`)],
    [residual, () => dy],
  ];
};
