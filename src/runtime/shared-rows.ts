// Which parts of two tensors meet, for operations whose tensors need not have the same ones.

import { type Part, partsOf } from './parts.ts';
import type { Tensor } from './tensor.ts';

/** Rows that lie in one part of a tensor and in one of another, as rows of each. */
export interface SharedRows {
  readonly first: number;
  readonly rows: number;
  readonly of: readonly [Part, Part];
}

/** The rows that two tensors have in common, by their parts; the second one's begin at `start`. */
export function sharedRows(tensor: Tensor, other: Tensor, start: number = 0): SharedRows[] {
  return partsOf(tensor).flatMap((part) =>
    partsOf(other).flatMap((its) => {
      const first = Math.max(part.first, start + its.first);
      const end = Math.min(part.first + part.rows, start + its.first + its.rows);
      return end > first ? [{ first, rows: end - first, of: [part, its] as const }] : [];
    }),
  );
}
