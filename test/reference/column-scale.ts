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

export const columnProductBackward: Reference = {
  twin: (inputs, params) => ({ d_beside: products(inputs, params) }),
  conditions: (inputs, params) => ({
    d_beside: { length: 1, magnitude: products(inputs, params).map(Math.abs) },
  }),
};

function products(inputs: Inputs, params: Params): Float64Array {
  const [x, dy] = [floats(inputs, 'x'), floats(inputs, 'dy')];
  const [columns, pitch] = [scalar(params, 'columns'), scalar(params, 'pitch')];
  const all = new Float64Array(scalar(params, 'rows') * pitch);
  x.forEach((value, i) => {
    const at = Math.floor(i / columns) * pitch + scalar(params, 'first') + (i % columns);
    all[at] = value * dy[i]!;
  });
  return all;
}

/** Zeros outside of two runs of columns. */
export const blankColumnsBackward: Reference = {
  twin: (inputs, params) => {
    const [pitch, count] = [scalar(params, 'pitch'), scalar(params, 'count')];
    const runs = ['first', 'second'].map((name) => scalar(params, name));
    const dx = floats(inputs, 'dx').map((value, i) =>
      runs.some((first) => i % pitch >= first && i % pitch < first + count) ? value : 0,
    );
    return { dx };
  },
  conditions: () => ({ dx: { length: 0, magnitude: 0 } }),
};
