// The gradients of heads of unit length, of norms that gates follow, and of gates behind attention.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const opening = (gate: number): number => 1 / (1 + Math.exp(-gate));

/** Gradients written over what was there; 0 there where their sizes are wanted. */
function over(inputs: Inputs, name: string, isSize: boolean): Float64Array {
  const before = floats(inputs, name);
  return isSize ? new Float64Array(before.length) : Float64Array.from(before);
}

function unitSlopes(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const [x, dy, dx] = [floats(inputs, 'x'), floats(inputs, 'dy'), over(inputs, 'dx', isSize)];
  const [heads, size] = [scalar(params, 'heads'), scalar(params, 'head_size')];
  for (const row of range(scalar(params, 'rows'))) {
    const head = row % (2 * heads);
    const first = Math.floor(row / (2 * heads)) * scalar(params, 'pitch') + head * size;
    const own = Array.from(x.subarray(first, first + size));
    const slopes = Array.from(dy.subarray(row * size, (row + 1) * size));
    const r = 1 / Math.sqrt(total(own.map((value) => value ** 2)) + scalar(params, 'eps'));
    const products = own.map((value, i) => value * slopes[i]!);
    const along = r ** 2 * total(isSize ? products.map(Math.abs) : products);
    const factor = r * (head < heads ? scalar(params, 'scale') : 1);
    for (const i of range(size)) {
      dx[first + i] = isSize
        ? factor * (Math.abs(slopes[i]!) + Math.abs(along * own[i]!))
        : factor * (slopes[i]! - along * own[i]!);
    }
  }
  return dx;
}

export const unitHeadsBackward: Reference = {
  twin: (inputs, params) => ({ dx: unitSlopes(inputs, params, false) }),
  conditions: (inputs, params) => ({
    dx: {
      length: 2 * scalar(params, 'head_size'),
      magnitude: unitSlopes(inputs, params, true),
    },
  }),
};

function gatedSlopes(
  inputs: Inputs,
  params: Params,
  isSize: boolean,
): Record<'dx' | 'dz' | 'dn', Float64Array> {
  const [x, z, weight] = [floats(inputs, 'x'), floats(inputs, 'z'), floats(inputs, 'weight')];
  const dy = floats(inputs, 'dy');
  const sized = isSize ? Math.abs : (value: number): number => value;
  const [heads, columns] = [scalar(params, 'heads'), scalar(params, 'columns')];
  const [dx, dn] = [new Float64Array(x.length), new Float64Array(x.length)];
  const dz = over(inputs, 'dz', isSize);
  for (const row of range(scalar(params, 'rows'))) {
    const gates =
      Math.floor(row / heads) * scalar(params, 'pitch') +
      scalar(params, 'column') +
      (row % heads) * columns;
    const own = range(columns).map((i) => {
      const [at, gate] = [row * columns + i, z[gates + i]!];
      const silu = sized(gate * opening(gate)) * (isSize ? 1 + Math.abs(gate) : 1);
      return { at, gate, silu, x: sized(x[at]!), slope: sized(dy[at]!), gain: sized(weight[i]!) };
    });
    const mean = total(own.map((one) => one.x ** 2)) / columns;
    const r = 1 / Math.sqrt(mean + scalar(params, 'eps'));
    const along = (r * total(own.map((one) => one.slope * one.gain * one.silu * one.x))) / columns;
    for (const [i, { at, gate, silu, x: value, slope, gain }] of own.entries()) {
      const n = value * r;
      const through = slope * gain * silu;
      dx[at] = r * (isSize ? through + n * along : through - n * along);
      const open = opening(gate);
      const steep = isSize ? 2 * (1 + Math.abs(gate)) : open * (1 + gate * opening(-gate));
      dz[gates + i] = slope * gain * n * steep;
      dn[at] = slope * n * silu;
    }
  }
  return { dx, dz, dn };
}

export const gatedNormBackward: Reference = {
  twin: (inputs, params) => gatedSlopes(inputs, params, false),
  conditions: (inputs, params) => {
    const { dx, dz, dn } = gatedSlopes(inputs, params, true);
    const length = 2 * scalar(params, 'columns');
    return {
      dx: { length, magnitude: dx },
      dz: { length, magnitude: dz },
      dn: { length, magnitude: dn },
    };
  },
};

function openSlopes(
  inputs: Inputs,
  params: Params,
  isSize: boolean,
): Record<'dx' | 'd_gate', Float64Array> {
  const [x, gate, dy] = [floats(inputs, 'x'), floats(inputs, 'gate'), floats(inputs, 'dy')];
  const share = scalar(params, 'share');
  const sized = isSize ? Math.abs : (value: number): number => value;
  const spread = (g: number): number => (isSize ? 1 + Math.abs(g) : 1);
  const dx = dy.map((slope, i) => {
    const g = gate[Math.floor(i / share)]!;
    return sized(slope) * opening(g) * spread(g);
  });
  const d_gate = gate.map((g, i) => {
    const products = range(share).map((k) => sized(dy[i * share + k]! * x[i * share + k]!));
    return total(products) * opening(g) * opening(-g) * spread(g);
  });
  return { dx, d_gate };
}

export const openHeadsBackward: Reference = {
  twin: (inputs, params) => openSlopes(inputs, params, false),
  conditions: (inputs, params) => {
    const { dx, d_gate } = openSlopes(inputs, params, true);
    const length = scalar(params, 'share');
    return { dx: { length, magnitude: dx }, d_gate: { length, magnitude: d_gate } };
  },
};
