// The gradient of tensors side by side.

import type { Rule } from '../traces.ts';
import type { JoinColumnsEntry } from './join-columns.ts';
import { taken } from './take-columns.ts';

export const joinColumnsBackward: Rule<JoinColumnsEntry> = ({ trace: { parts } }, dy) =>
  parts.map(({ x, params }) => [
    x,
    () => taken(dy, params, { label: `d ${x.label}`, shape: x.shape }),
  ]);
