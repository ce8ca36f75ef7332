// Connectionist temporal classification (Graves et al., 2006, §4.1), in logarithms.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** What kernels have for minus infinity. */
const lowest = -3.4028234663852886e38;

function logSum(values: readonly number[]): number {
  const most = Math.max(...values);
  if (most === -Infinity) return most;
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

/** A logarithm as kernels have it. */
const read = (value: number): number => (value < -1e38 ? -Infinity : value);

/** The log softmax of each row, and how much error its numbers bring along. */
function logarithms(inputs: Inputs, params: Params): { rows: number[][]; sizes: number[] } {
  const [x, columns] = [Array.from(floats(inputs, 'x')), scalar(params, 'columns')];
  const logits = range(scalar(params, 'rows')).map((row) =>
    x.slice(row * columns, (row + 1) * columns),
  );
  const totals = logits.map(logSum);
  return {
    rows: logits.map((row, i) => row.map((value) => value - totals[i]!)),
    sizes: logits.map((row, i) => Math.max(...row.map(Math.abs)) + Math.abs(totals[i]!)),
  };
}

export const ctcEmissions: Reference = {
  twin: (inputs, params) => {
    const { rows } = logarithms(inputs, params);
    const [steps, places] = [scalar(params, 'steps'), scalar(params, 'places')];
    const classes = integers(inputs, 'classes');
    const y = rows.flatMap((row, i) =>
      range(places).map((place) => row[classes[Math.floor(i / steps) * places + place]!]!),
    );
    return { y: Float64Array.from(y) };
  },
  conditions: (inputs, params) => {
    const { sizes } = logarithms(inputs, params);
    const magnitude = sizes.flatMap((size) => range(scalar(params, 'places')).fill(1 + 2 * size));
    return { y: { length: scalar(params, 'columns'), magnitude: Float64Array.from(magnitude) } };
  },
};

interface Paths {
  readonly y: Float64Array;
  readonly loss: Float64Array;
  /** The largest distance of two logarithms of a step, and all that the loss is a sum of. */
  readonly spread: number;
  readonly sums: Float64Array;
}

/** All steps up to the last that is computed: each is less the largest of the steps before it. */
function pathsOf(inputs: Inputs, params: Params, reversed: boolean): Paths {
  const at = (name: string): number => scalar(params, name);
  const [sequences, steps, places] = [at('sequences'), at('steps'), at('places')];
  const end = at('first') + at('count');
  const [emissions, classes] = [floats(inputs, 'emissions'), integers(inputs, 'classes')];
  const y = new Float64Array(emissions.length).fill(-Infinity);
  if (end < steps) y.set(floats(inputs, 'y'));
  const [loss, sums] = [new Float64Array(sequences), new Float64Array(sequences)];
  let spread = 0;
  for (const sequence of range(sequences)) {
    const sizes = integers(inputs, 'sizes');
    const [ownSteps, ownPlaces] = [sizes[2 * sequence]!, sizes[2 * sequence + 1]!];
    const turned = (i: number, count: number): number => (reversed ? count - 1 - i : i);
    const classAt = (k: number): number => classes[sequence * places + turned(k, ownPlaces)]!;
    let before: number[] = [];
    for (const step of range(end)) {
      const row = step < ownSteps ? turned(step, ownSteps) : step;
      const first = (sequence * steps + row) * places;
      if (step >= ownSteps) {
        y.fill(-Infinity, first, first + places);
        continue;
      }
      const shift = step === 0 ? 0 : Math.max(...before);
      loss[sequence]! -= shift;
      sums[sequence]! += Math.abs(shift);
      const now = range(ownPlaces).map((k) => {
        const skips = k > 1 && classAt(k) !== classAt(k - 2);
        const from = [before[k], before[k - 1], skips ? before[k - 2] : undefined];
        const known = from.filter((value) => value !== undefined);
        const arrived = step === 0 ? (k < 2 ? 0 : -Infinity) : logSum(known) - shift;
        return arrived + emissions[first + turned(k, ownPlaces)]!;
      });
      y.fill(-Infinity, first, first + places);
      now.forEach((value, k) => (y[first + turned(k, ownPlaces)] = value));
      spread = Math.max(spread, ...now.filter(Number.isFinite).map(Math.abs));
      before = now;
    }
    if (ownSteps === 0 || ownSteps > end) continue;
    const last = logSum(before.slice(-2));
    loss[sequence] = last === -Infinity ? -lowest : loss[sequence]! - last;
    sums[sequence]! += Math.abs(last === -Infinity ? lowest : last);
  }
  return { y, loss, spread, sums };
}

export const ctcPaths: Reference = {
  twin: (inputs, params, constants) => {
    const { y, loss } = pathsOf(inputs, params, constants['REVERSED'] === true);
    return { y, loss };
  },
  // Each step adds an error of its own size to that of the step before.
  conditions: (inputs, params, constants) => {
    const { y, spread, sums } = pathsOf(inputs, params, constants['REVERSED'] === true);
    const length = scalar(params, 'first') + scalar(params, 'count');
    const magnitude = y.map((value) => (Number.isFinite(value) ? 3 * (1 + spread) : 0));
    return {
      y: { length, magnitude },
      loss: { length, magnitude: sums.map((sum) => sum + 3 * (1 + spread)) },
    };
  },
};

/** The softmax of the logits, and the share of the paths that each class has, in each row of a sequence's own. */
function shares(inputs: Inputs, params: Params): { soft: number[]; paths: number[] }[] {
  const [columns, steps, places] = [
    scalar(params, 'columns'),
    scalar(params, 'steps'),
    scalar(params, 'places'),
  ];
  const [sizes, links] = [integers(inputs, 'sizes'), integers(inputs, 'links')];
  return logarithms(inputs, params).rows.map((row, i) => {
    const sequence = Math.floor(i / steps);
    const own = range(sizes[2 * sequence + 1]!).map((place) => i * places + place);
    if (i % steps >= sizes[2 * sequence]!)
      return { soft: row.map(() => 0), paths: row.map(() => 0) };
    const all = own.map(
      (at) =>
        read(floats(inputs, 'arrived')[at]!) +
        read(floats(inputs, 'going')[at]!) -
        floats(inputs, 'emissions')[at]!,
    );
    const total = logSum(all);
    const list = links.subarray(sequence * (columns + places), (sequence + 1) * (columns + places));
    const paths = row.map((_, column) => {
      let share = 0;
      for (let place = list[column]!; place < places; place = list[columns + place]!) {
        share += Math.exp(all[place]! - total);
      }
      return share;
    });
    return { soft: row.map(Math.exp), paths };
  });
}

export const ctcLossBackward: Reference = {
  twin: (inputs, params) => {
    const dx = shares(inputs, params).flatMap(({ soft, paths }, i) => {
      const dloss = floats(inputs, 'dloss')[Math.floor(i / scalar(params, 'steps'))]!;
      return soft.map((value, column) => dloss * (value - paths[column]!));
    });
    return { dx: Float64Array.from(dx) };
  },
  // The error of an exponential grows with what it is taken of.
  conditions: (inputs, params) => {
    const finite = (name: string): number =>
      floats(inputs, name).reduce(
        (most, value) => (value < -1e38 ? most : Math.max(most, Math.abs(value))),
        0,
      );
    const spread = finite('arrived') + finite('going') + finite('emissions') + finite('x');
    const magnitude = shares(inputs, params).flatMap(({ soft, paths }, i) => {
      const dloss = floats(inputs, 'dloss')[Math.floor(i / scalar(params, 'steps'))]!;
      return soft.map((value, column) => Math.abs(dloss) * (value + paths[column]!) * (1 + spread));
    });
    const length = scalar(params, 'columns') + scalar(params, 'places');
    return { dx: { length, magnitude: Float64Array.from(magnitude) } };
  },
};
