// Columns in another order.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

function reordered(inputs: Inputs, params: Params): Float64Array {
  const [x, order] = [floats(inputs, 'x'), integers(inputs, 'order')];
  const y = Float64Array.from(x);
  const [columns, pitch] = [scalar(params, 'columns'), scalar(params, 'pitch')];
  for (let row = 0; row < scalar(params, 'rows'); row++) {
    for (let i = 0; i < columns; i++) y[row * pitch + i] = x[row * pitch + order[i]!]!;
  }
  return y;
}

export const reorder: Reference = {
  twin: (inputs, params) => ({ y: reordered(inputs, params) }),
  conditions: () => ({ y: { length: 0, magnitude: 0 } }),
};
