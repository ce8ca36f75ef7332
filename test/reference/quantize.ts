// Rows brought into blocks: which codes are best is the kernel's affair, how far off they are is not.

import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

interface Block {
  /** Where its elements lie in `blocks`. */
  readonly at: number;
  readonly size: number;
  readonly values: Float64Array;
}

/** The blocks that are written, with the numbers they are to stand for. */
function written(inputs: Inputs, params: Params, constants: Constants): Block[] {
  const [weight, place] = [floats(inputs, 'weight'), integers(inputs, 'place')];
  const [columns, pitch] = [scalar(params, 'columns'), scalar(params, 'pitch')];
  const rowBlocks = scalar(params, 'row_blocks');
  const size = Number(constants['SIZE']);
  return Array.from({ length: place[1]! * rowBlocks }, (_, i) => {
    const [row, first] = [Math.floor(i / rowBlocks), size * (i % rowBlocks)];
    const end = Math.min(first + size, columns);
    const values = weight.slice(row * pitch + first, row * pitch + end);
    return { at: (place[0]! * rowBlocks + i) * size, size, values };
  });
}

export const quantize: Reference = {
  twin: (inputs, params, constants) => {
    const blocks = Float64Array.from(floats(inputs, 'blocks'));
    for (const { at, size, values } of written(inputs, params, constants)) {
      if (!values.every(Number.isFinite)) {
        blocks.fill(NaN, at, at + size);
        continue;
      }
      // What pads a row has the code 0, the least.
      blocks.fill(Math.min(...values), at, at + size);
      blocks.set(values, at);
    }
    return { blocks };
  },
  // Plain codes are half a step off at most. Others are chosen when their squares add up to less.
  conditions: (inputs, params, constants) => {
    const allowed = new Float64Array(floats(inputs, 'blocks').length);
    const bits = Number(constants['BITS']);
    const unit = constants['HEAD'] === 0 ? 2 ** -11 : 2 ** -24;
    for (const { at, size, values } of written(inputs, params, constants)) {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const step = (high - low) / (2 ** bits - 1);
      const rounded = 4 * unit * (Math.abs(low) + Math.abs(high));
      const worst = (step / 2 + rounded) * (bits === 4 ? Math.sqrt(size) : 1);
      allowed.fill(worst, at, at + size);
    }
    return { blocks: { length: 0, magnitude: allowed } };
  },
};
