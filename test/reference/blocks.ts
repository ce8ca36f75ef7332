// What operations that fill blocks with codes, s and b have in common.

import { type Constants, floats, type Inputs, type Params, type Reference } from './twin.ts';

/** An element of the blocks that is written. */
export interface Element {
  readonly at: number;
  /** s·q + b */
  readonly value: number;
  /** |s·q| + |b| */
  readonly size: number;
}

/** The reference of an operation that writes elements of `blocks`, and leaves the others. */
export function blocksReference(
  written: (inputs: Inputs, params: Params, constants: Constants) => readonly Element[],
): Reference {
  return {
    twin: (inputs, params, constants) => {
      const blocks = Float64Array.from(floats(inputs, 'blocks'));
      for (const { at, value } of written(inputs, params, constants)) blocks[at] = value;
      return { blocks };
    },
    conditions: (inputs, params, constants) => {
      const allowed = new Float64Array(floats(inputs, 'blocks').length);
      for (const { at, size } of written(inputs, params, constants)) allowed[at] = 2 ** -22 * size;
      return { blocks: { length: 0, magnitude: allowed } };
    },
  };
}
