// Groups of channels over time: folded to one number (a stage of it), and normalized (arXiv 1803.08494, eq. 1 and 2).

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The terms of each element of a stage, and of how much error those that it is made of bring along. */
function terms(inputs: Inputs, params: Params, kind: number): [number, number][][] {
  const x = floats(inputs, 'x');
  const at = (name: string): number => scalar(params, name);
  const [groups, length, per, parts] = [at('groups'), at('length'), at('per'), at('parts')];
  const other = kind === 3 ? floats(inputs, 'other') : x;
  return range(at('batches')).flatMap((batch) =>
    range(parts).flatMap((part) =>
      range(groups).map((group) => {
        const mean =
          kind < 2 || kind > 3 ? 0 : floats(inputs, 'sums')[batch * groups + group]! / length;
        const own: [number, number][] = [];
        for (let k = part; k < length; k += parts) {
          const time = Math.floor(k / per);
          const i = ((batch * length) / per + time) * groups * per + group * per + (k % per);
          const distance = other[i]! - mean;
          const size = Math.abs(other[i]!) + Math.abs(mean);
          if (kind < 2) own.push([x[i]!, Math.abs(x[i]!)]);
          else if (kind === 4) own.push([x[i]! ** 2, x[i]! ** 2]);
          else if (kind === 2) own.push([distance ** 2, 2 * Math.abs(distance) * size]);
          else own.push([x[i]! * distance, Math.abs(x[i]!) * size]);
        }
        return own;
      }),
    ),
  );
}

export const fold: Reference = {
  twin: (inputs, params, constants) => {
    const kind = Number(constants['KIND']);
    const all = terms(inputs, params, kind).map((own) => own.map(([value]) => value));
    return { y: Float64Array.from(all, (own) => (kind === 1 ? Math.max(...own) : sum(own))) };
  },
  conditions: (inputs, params, constants) => {
    const kind = Number(constants['KIND']);
    const all = terms(inputs, params, kind);
    const magnitude = Float64Array.from(all, (own) => sum(own.map(([, size]) => size)));
    // The largest of some numbers is one of them.
    if (kind === 1) return { y: { length: 0, magnitude: magnitude.fill(0) } };
    return { y: { length: all[0]?.length ?? 0, magnitude } };
  },
};

interface Place {
  readonly channel: number;
  /** Of the group in its batch. */
  readonly group: number;
}

function placeOf(params: Params, i: number): Place {
  const [channels, groups] = [scalar(params, 'channels'), scalar(params, 'groups')];
  const channel = i % channels;
  const batch = Math.floor(i / (scalar(params, 'length') * groups));
  return { channel, group: batch * groups + Math.floor((channel * groups) / channels) };
}

/** The distance from the mean, 1 / σ, and the sizes of what these are made of. */
function standard(
  inputs: Inputs,
  params: Params,
  i: number,
): { distance: number; inverse: number; size: number } {
  const { group } = placeOf(params, i);
  const length = scalar(params, 'length');
  const mean = floats(inputs, 'sums')[group]! / length;
  const variance = floats(inputs, 'squares')[group]! / length;
  const x = floats(inputs, 'x')[i]!;
  return {
    distance: x - mean,
    inverse: 1 / Math.sqrt(variance + scalar(params, 'eps')),
    size: Math.abs(x) + Math.abs(mean),
  };
}

export const groupNorm: Reference = {
  twin: (inputs, params, constants) => {
    const y = range(scalar(params, 'size')).map((i) => {
      const { distance, inverse } = standard(inputs, params, i);
      if (constants['HAS_AFFINE'] !== true) return distance * inverse;
      const { channel } = placeOf(params, i);
      return (
        distance * inverse * floats(inputs, 'weight')[channel]! + floats(inputs, 'bias')[channel]!
      );
    });
    return { y: Float64Array.from(y) };
  },
  conditions: (inputs, params, constants) => {
    const magnitude = range(scalar(params, 'size')).map((i) => {
      const { inverse, size } = standard(inputs, params, i);
      if (constants['HAS_AFFINE'] !== true) return size * inverse;
      const { channel } = placeOf(params, i);
      const [weight, bias] = [floats(inputs, 'weight'), floats(inputs, 'bias')];
      return size * inverse * Math.abs(weight[channel]!) + Math.abs(bias[channel]!);
    });
    return { y: { length: 1, magnitude: Float64Array.from(magnitude) } };
  },
};

export const groupNormBackward: Reference = {
  twin: (inputs, params) => {
    const length = scalar(params, 'length');
    const dx = range(scalar(params, 'size')).map((i) => {
      const { distance, inverse } = standard(inputs, params, i);
      const { group } = placeOf(params, i);
      const mean = floats(inputs, 'dn_sums')[group]! / length;
      const product = (floats(inputs, 'products')[group]! / length) * inverse;
      return inverse * (floats(inputs, 'dn')[i]! - mean - distance * inverse * product);
    });
    return { dx: Float64Array.from(dx) };
  },
  conditions: (inputs, params) => {
    const length = scalar(params, 'length');
    const magnitude = range(scalar(params, 'size')).map((i) => {
      const { inverse, size } = standard(inputs, params, i);
      const { group } = placeOf(params, i);
      const mean = Math.abs(floats(inputs, 'dn_sums')[group]!) / length;
      const product = (Math.abs(floats(inputs, 'products')[group]!) / length) * inverse;
      return inverse * (Math.abs(floats(inputs, 'dn')[i]!) + mean + size * inverse * product);
    });
    return { dx: { length: 1, magnitude: Float64Array.from(magnitude) } };
  },
};
