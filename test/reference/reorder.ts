// Columns in another order.

import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

function reordered(inputs: Inputs, params: Params, constants: Constants): Float64Array {
  const isBack = constants['BACK'] === true;
  const [x, order] = [floats(inputs, 'x'), integers(inputs, 'order')];
  const y = Float64Array.from(x);
  const [columns, pitch] = [scalar(params, 'columns'), scalar(params, 'pitch')];
  for (let row = 0; row < scalar(params, 'rows'); row++) {
    for (let i = 0; i < columns; i++) {
      const [near, far] = [row * pitch + i, row * pitch + order[i]!];
      if (isBack) y[far] = x[near]!;
      else y[near] = x[far]!;
    }
  }
  return y;
}

export const reorder: Reference = {
  twin: (inputs, params, constants) => ({ y: reordered(inputs, params, constants) }),
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};
