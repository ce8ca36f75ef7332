// The gradient of columns on their own: it goes where they were, and the others have none.

import { blankOthers } from './blank-columns-backward.ts';
import type { Rule } from '../../traces.ts';
import { putColumns } from '../../elementwise/join-columns.ts';
import type { TakeColumnsEntry } from '../../elementwise/take-columns.ts';

export const takeColumnsBackward: Rule<TakeColumnsEntry> = ({ trace: { x, params } }, dy) => [
  [
    x,
    () => {
      const { first, columns: count } = params;
      const dx = dy.recording.transient(`d ${x.label}`, x.shape);
      putColumns(dy, dx, params);
      blankOthers(dx, { first, second: first, count });
      return dx;
    },
  ],
];
