// The gradient of dropout: what was dropped is drawn again.

import { drop } from './dropout.ts';
import type { Rule } from '../traces.ts';

export const dropoutGradient: Rule<'dropout'> = ({ trace: { x, residual, params } }, dy) => [
  [x, () => drop(dy, `d ${x.label}`, params)],
  [residual, () => dy],
];
