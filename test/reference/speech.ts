// What encoders of speech are made of beside the layers of others.

import { randomBits } from './dropout.ts';
import { floats, type Inputs, integers, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Numbers that are copied are exact. */
const copies = (name: string): Reference['conditions'] => {
  return (inputs) => ({
    y: { length: 0, magnitude: new Float64Array(floats(inputs, name).length) },
  });
};

export const joinColumns: Reference = {
  twin: (inputs, params) => {
    const y = Float64Array.from(floats(inputs, 'y'));
    const columns = scalar(params, 'columns');
    floats(inputs, 'x').forEach((value, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      y[row * scalar(params, 'all') + scalar(params, 'first') + column] = value;
    });
    return { y };
  },
  conditions: copies('y'),
};

export const maskRows: Reference = {
  twin: (inputs, params) => {
    const mask = integers(inputs, 'mask');
    const y = floats(inputs, 'x').map((value, i) =>
      mask[Math.floor(i / scalar(params, 'columns'))] === 0 ? 0 : value,
    );
    return { y };
  },
  conditions: copies('x'),
};

export const layerMix: Reference = {
  twin: (inputs, params, constants) => {
    const scores = floats(inputs, 'scores');
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    const share = Math.exp(scores[scalar(params, 'index')]!) / total;
    const before = constants['HAS_SUM'] === true ? floats(inputs, 'sum') : undefined;
    return { y: floats(inputs, 'x').map((value, i) => (before?.[i] ?? 0) + share * value) };
  },
  conditions: (inputs, params, constants) => {
    const before = constants['HAS_SUM'] === true ? floats(inputs, 'sum') : undefined;
    const scores = floats(inputs, 'scores');
    const spread = Math.max(...scores.map(Math.abs));
    const magnitude = floats(inputs, 'x').map(
      (value, i) => Math.abs(before?.[i] ?? 0) + Math.abs(value) * (1 + spread),
    );
    return { y: { length: scalar(params, 'layers'), magnitude } };
  },
};

export const takeColumns: Reference = {
  twin: (inputs, params) => {
    const columns = scalar(params, 'columns');
    const y = range(scalar(params, 'size')).map((i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      return floats(inputs, 'x')[row * scalar(params, 'all') + scalar(params, 'first') + column]!;
    });
    return { y: Float64Array.from(y) };
  },
  conditions: (_, params) => ({
    y: { length: 0, magnitude: new Float64Array(scalar(params, 'size')) },
  }),
};

/** Both terms of each element. */
function mixSlopes(inputs: Inputs): { direct: number[]; mean: number[] } {
  const [scores, products] = [floats(inputs, 'scores'), floats(inputs, 'products')];
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  const shares = Array.from(scores, (score) => Math.exp(score) / total);
  const mean = shares.reduce((sum, share, i) => sum + share * products[i]!, 0);
  return {
    direct: shares.map((share, i) => share * products[i]!),
    mean: shares.map((share) => share * mean),
  };
}

export const layerMixBackward: Reference = {
  twin: (inputs) => {
    const { direct, mean } = mixSlopes(inputs);
    return { d_scores: Float64Array.from(direct, (value, i) => value - mean[i]!) };
  },
  conditions: (inputs, params) => {
    const products = floats(inputs, 'products').map(Math.abs);
    const { direct, mean } = mixSlopes({ ...inputs, products });
    const spread = Math.max(...floats(inputs, 'scores').map(Math.abs));
    const magnitude = Float64Array.from(direct, (value, i) => (value + mean[i]!) * (1 + spread));
    return { d_scores: { length: scalar(params, 'layers'), magnitude } };
  },
};

/** Numbers whose error is that of products alone. */
const products = (twin: Reference['twin']): Reference => ({
  twin,
  conditions: (inputs, params, constants) => {
    const results = Object.entries(twin(inputs, params, constants));
    return Object.fromEntries(
      results.map(([name, values]) => [
        name,
        { length: 1, magnitude: Float64Array.from(values, Math.abs) },
      ]),
    );
  },
});

export const weightNorm: Reference = products((inputs) => {
  const length = floats(inputs, 'length');
  return { y: floats(inputs, 'energy').map((energy, step) => length[step]! / Math.sqrt(energy)) };
});

export const weightNormBackward: Reference = products((inputs) => {
  const [energy, length] = [floats(inputs, 'energy'), floats(inputs, 'length')];
  const dy = floats(inputs, 'dy');
  return {
    d_length: energy.map((own, step) => dy[step]! / Math.sqrt(own)),
    d_energy: energy.map((own, step) => (-dy[step]! * length[step]!) / (2 * own ** 1.5)),
  };
});

export const spanStarts: Reference = {
  twin: (inputs, params, constants) => {
    const at = (name: string): number => scalar(params, name);
    const [seed, step] = integers(inputs, 'random');
    const [size, length] = [at('size'), at('length')];
    const drawn = (index: number): number => randomBits(seed!, step!, at('site'), index);
    const rest = Math.floor(drawn(2 ** 32 - 1) / 256) / 2 ** 24;
    const starts = range(at('sequences')).flatMap((sequence) => {
      const all = range(size).map((place) => sequence * size + place);
      const own =
        constants['HAS_MASK'] === true
          ? all.filter((i) => integers(inputs, 'mask')[i] !== 0).length
          : size;
      const places = all.slice(0, Math.max(0, own - length + 1));
      const wanted = Math.max(Math.floor((at('rate') * own) / length + rest), at('least'));
      const spans = Math.min(wanted, Math.floor(size / length), places.length);
      const sorted = places.toSorted((a, b) => drawn(a) - drawn(b));
      const chosen = new Set(sorted.slice(0, spans));
      return all.map((i) => Number(chosen.has(i)));
    });
    return { starts: Uint32Array.from(starts) };
  },
  conditions: () => ({ starts: { length: 0, magnitude: 0 } }),
};

export const spanFill: Reference = {
  twin: (inputs, params, constants) => {
    const [rows, columns] = [scalar(params, 'rows'), scalar(params, 'columns')];
    const starts = integers(inputs, 'starts');
    const byColumn = constants['BY_COLUMN'] === true;
    const y = floats(inputs, 'x').map((value, i) => {
      const [row, column] = [Math.floor(i / columns) % rows, i % columns];
      const [place, size] = byColumn ? [column, columns] : [row, rows];
      const sequence = Math.floor(i / columns / rows);
      const own = starts.subarray(sequence * size, sequence * size + place + 1);
      if (!own.slice(-scalar(params, 'length')).includes(1)) return value;
      return constants['HAS_FILL'] === true ? floats(inputs, 'fill')[column]! : 0;
    });
    return { y };
  },
  conditions: copies('x'),
};
