// The gradient of scaling by a weight that stands for its exponential, and of a bias.

import { once } from '../../../runtime/gradient.ts';
import { multiplied } from '../../elementwise/column-scale.ts';
import { type LogScaleEntry, scaled } from '../../elementwise/log-scale.ts';
import type { Rule } from '../../traces.ts';
import { total } from './column-sum.ts';

export const logScaleBackward: Rule<LogScaleEntry> = ({ trace: { x, scale, bias } }, dy) => {
  const dx = once(() => scaled(dy, { scale, label: `d ${x.label}` }));
  const label = `d ${scale.label}`;
  return [
    [x, dx],
    [scale, () => total(multiplied(dx(), x, { label: `${label}, by elements` }), label)],
    [bias, () => total(dy, `d ${bias?.label ?? ''}`)],
  ];
};
