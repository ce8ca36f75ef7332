// Columns brought to lengths of their own, their gradients, and the squares of the lengths of rows.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

/** Σ (W + scale · delta)² of each row; `value`: what stands for each number. */
export const rowEnergy: Reference = {
  twin: (inputs, params) => ({ energy: energies(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    energy: {
      length: scalar(params, 'columns'),
      magnitude: energies(inputs, params, Math.abs),
    },
  }),
};

function energies(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [weight, delta] = [floats(inputs, 'weight'), floats(inputs, 'delta')];
  const [columns, pitch] = [scalar(params, 'columns'), scalar(params, 'pitch')];
  const [first, scale] = [scalar(params, 'first'), scalar(params, 'scale')];
  return Float64Array.from({ length: scalar(params, 'rows') }, (_, row) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const own = value(weight[(first + row) * pitch + j]!);
      sum += (own + value(scale * delta[row * columns + j]!)) ** 2;
    }
    return sum;
  });
}

/** z[i, j] = b[j] + (y[i, j] - b[j]) · m[j - left] / √e[j - left] where there is such a column, else y[i, j]. */
function rescaledBy(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [y, magnitude, energy] = ['y', 'magnitude', 'energy'].map((name) => floats(inputs, name));
  const bias = inputs['bias'] === undefined ? undefined : floats(inputs, 'bias');
  const [columns, left] = [scalar(params, 'columns'), scalar(params, 'left')];
  const width = scalar(params, 'width');
  return Float64Array.from({ length: scalar(params, 'size') }, (_, i) => {
    const [j, own] = [i % columns, y![i]!];
    if (j < left || j >= left + width) return value(own);
    const added = bias?.[j] ?? 0;
    const factor = magnitude![j - left]! / Math.sqrt(energy![j - left]!);
    return value(added) + (value(own) + value(-added)) * value(factor);
  });
}

export const rescale: Reference = {
  twin: (inputs, params) => ({ z: rescaledBy(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    z: { length: 4, magnitude: rescaledBy(inputs, params, Math.abs) },
  }),
};

/** p[i, j] = dz[i, left + j] · (y[i, left + j] - b[left + j]) / √e[j]. */
function products(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [dz, y, energy] = ['dz', 'y', 'energy'].map((name) => floats(inputs, name));
  const bias = inputs['bias'] === undefined ? undefined : floats(inputs, 'bias');
  const [columns, left] = [scalar(params, 'columns'), scalar(params, 'left')];
  const width = scalar(params, 'width');
  return Float64Array.from({ length: scalar(params, 'size') }, (_, i) => {
    const j = i % width;
    const at = Math.floor(i / width) * columns + left + j;
    const own = value(y![at]!) + value(-(bias?.[left + j] ?? 0));
    return (value(dz![at]!) * own) / Math.sqrt(energy![j]!);
  });
}

export const rescaleProducts: Reference = {
  twin: (inputs, params) => ({ products: products(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    products: { length: 4, magnitude: products(inputs, params, Math.abs) },
  }),
};
