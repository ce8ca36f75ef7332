// What encoders of speech are made of beside the layers of others.

import { floats, integers, type Reference, scalar } from './twin.ts';

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

export const weightNorm: Reference = {
  twin: (inputs, params) => {
    const [direction, energy] = [floats(inputs, 'direction'), floats(inputs, 'energy')];
    const [first, steps] = [scalar(params, 'first'), scalar(params, 'steps')];
    const y = range(scalar(params, 'size')).map((i) => {
      const step = (first + i) % steps;
      const norm = Math.sqrt(energy[step]!);
      return (direction[first + i]! * floats(inputs, 'length')[step]!) / norm;
    });
    return { y: Float64Array.from(y) };
  },
  conditions: (inputs, params) => {
    const { y } = weightNorm.twin(inputs, params, {});
    return { y: { length: 1, magnitude: Float64Array.from(y!, Math.abs) } };
  },
};
