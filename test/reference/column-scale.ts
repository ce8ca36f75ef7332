// Elements times the factor of their column, or one of their own among rows of others, plus what is added.

import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** Both terms of each element. */
function terms(inputs: Inputs, params: Params, constants: Constants): [number, number][] {
  const [x, factor] = [floats(inputs, 'x'), floats(inputs, 'factor')];
  const columns = scalar(params, 'columns');
  const [first, pitch] = [scalar(params, 'first'), scalar(params, 'pitch')];
  const added = constants['HAS_RESIDUAL'] === true ? floats(inputs, 'residual') : undefined;
  return Array.from({ length: scalar(params, 'size') }, (_, i) => {
    const own = factor[first + Math.floor(i / columns) * pitch + (i % columns)]!;
    return [x[i]! * own, added?.[i] ?? 0];
  });
}

export const columnScale: Reference = {
  twin: (inputs, params, constants) => ({
    y: Float64Array.from(terms(inputs, params, constants), ([a, b]) => a + b),
  }),
  conditions: (inputs, params, constants) => ({
    y: {
      length: 1,
      magnitude: Float64Array.from(
        terms(inputs, params, constants),
        ([a, b]) => Math.abs(a) + Math.abs(b),
      ),
    },
  }),
};
