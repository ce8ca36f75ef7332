// Streams that take shares of others, rows of the magnitude of others, and what stands above a cutoff.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const same = (value: number): number => value;

interface Share {
  readonly stream: number;
  readonly other: number;
  readonly value: number;
}

/** What each stream of a token takes of each other. `sized`: what stands for a number. */
function sharesOf(
  inputs: Inputs,
  params: Params,
  token: number,
  sized: (value: number) => number,
): Share[] {
  const [streams, others] = [scalar(params, 'streams'), scalar(params, 'others')];
  const given = inputs['coefficients'] && floats(inputs, 'coefficients');
  return range(streams).flatMap((stream) =>
    range(stream < scalar(params, 'first') ? 0 : others).map((other) => {
      const own = given?.[(token * streams + stream) * others + other] ?? 0;
      return { stream, other, value: sized(scalar(params, 'offset')) + sized(own) };
    }),
  );
}

function mixed(inputs: Inputs, params: Params, sized: (value: number) => number): Float64Array {
  const [columns, streams, others] = ['columns', 'streams', 'others'].map((name) =>
    scalar(params, name),
  ) as [number, number, number];
  const [y, taken] = [floats(inputs, 'x').map(sized), floats(inputs, 'others')];
  for (const token of range(y.length / columns / streams)) {
    for (const { stream, other, value } of sharesOf(inputs, params, token, sized)) {
      for (const column of range(columns)) {
        y[(token * streams + stream) * columns + column]! +=
          value * sized(taken[(token * others + other) * columns + column]!);
      }
    }
  }
  return y;
}

export const mixStreams: Reference = {
  twin: (inputs, params) => ({ y: mixed(inputs, params, same) }),
  conditions: (inputs, params) => ({
    y: { length: scalar(params, 'others') + 1, magnitude: mixed(inputs, params, Math.abs) },
  }),
};

function ofOthers(inputs: Inputs, params: Params, sized: (value: number) => number): Float64Array {
  const [columns, streams, others] = ['columns', 'streams', 'others'].map((name) =>
    scalar(params, name),
  ) as [number, number, number];
  const dy = floats(inputs, 'dy');
  const result = new Float64Array(scalar(params, 'size'));
  for (const token of range(result.length / columns / others)) {
    for (const { stream, other, value } of sharesOf(inputs, params, token, sized)) {
      for (const column of range(columns)) {
        result[(token * others + other) * columns + column]! +=
          value * sized(dy[(token * streams + stream) * columns + column]!);
      }
    }
  }
  return result;
}

export const mixStreamsBackward: Reference = {
  twin: (inputs, params) => ({ d_others: ofOthers(inputs, params, same) }),
  conditions: (inputs, params) => ({
    d_others: {
      length: scalar(params, 'streams'),
      magnitude: ofOthers(inputs, params, Math.abs),
    },
  }),
};

function ofShares(inputs: Inputs, params: Params, sized: (value: number) => number): Float64Array {
  const [columns, streams, others] = ['columns', 'streams', 'others'].map((name) =>
    scalar(params, name),
  ) as [number, number, number];
  const [taken, dy] = [floats(inputs, 'others'), floats(inputs, 'dy')];
  return Float64Array.from({ length: scalar(params, 'shares') }, (_, share) => {
    const row = Math.floor(share / others);
    if (row % streams < scalar(params, 'first')) return 0;
    const other = Math.floor(row / streams) * others + (share % others);
    return range(columns).reduce(
      (sum, column) => sum + sized(dy[row * columns + column]! * taken[other * columns + column]!),
      0,
    );
  });
}

export const mixStreamsBackwardCoefficients: Reference = {
  twin: (inputs, params) => ({ d_coefficients: ofShares(inputs, params, same) }),
  conditions: (inputs, params) => ({
    d_coefficients: {
      length: scalar(params, 'columns'),
      magnitude: ofShares(inputs, params, Math.abs),
    },
  }),
};

const meanOf = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The rows of a tensor, one after the other. */
function rowsOf(values: Float64Array, params: Params): Float64Array[] {
  const columns = scalar(params, 'columns');
  return range(scalar(params, 'rows')).map((row) =>
    values.slice(row * columns, (row + 1) * columns),
  );
}

interface Matched {
  readonly x: Float64Array;
  readonly like: Float64Array;
  /** √(mean like²) and √max(mean x², least) */
  readonly r: number;
  readonly s: number;
  readonly isLeast: boolean;
}

function matchedRows(inputs: Inputs, params: Params): Matched[] {
  const likes = rowsOf(floats(inputs, 'like'), params);
  const least = scalar(params, 'least');
  return rowsOf(floats(inputs, 'x'), params).map((x, row) => {
    const like = likes[row]!;
    const mean = meanOf(x.map((value) => value ** 2));
    const r = Math.sqrt(meanOf(like.map((value) => value ** 2)));
    return { x, like, r, s: Math.sqrt(Math.max(mean, least)), isLeast: mean <= least };
  });
}

const matched = (inputs: Inputs, params: Params, sized: (value: number) => number): Float64Array =>
  Float64Array.from(
    matchedRows(inputs, params).flatMap(({ x, r, s }) => Array.from(x, (v) => (sized(v) * r) / s)),
  );

export const matchMagnitude: Reference = {
  twin: (inputs, params) => ({ y: matched(inputs, params, same) }),
  conditions: (inputs, params) => ({
    y: { length: 2 * scalar(params, 'columns'), magnitude: matched(inputs, params, Math.abs) },
  }),
};

function matchedSlopes(
  inputs: Inputs,
  params: Params,
  isSize: boolean,
): Record<'dx' | 'd_like', Float64Array> {
  const sized = isSize ? Math.abs : same;
  const dys = rowsOf(floats(inputs, 'dy'), params);
  const rows = matchedRows(inputs, params).map(({ x, like, r, s, isLeast }, row) => {
    const dy = dys[row]!;
    const along = meanOf(dy.map((slope, i) => sized(slope * x[i]!)));
    const pull = isLeast ? 0 : (along * r) / s ** 3;
    return {
      dx: Array.from(x, (value, i) => {
        const through = (sized(dy[i]!) * r) / s;
        return isSize ? through + Math.abs(value) * pull : through - value * pull;
      }),
      d_like: Array.from(like, (value) => (r === 0 ? 0 : (sized(value) * along) / (r * s))),
    };
  });
  return {
    dx: Float64Array.from(rows.flatMap(({ dx }) => dx)),
    d_like: Float64Array.from(rows.flatMap(({ d_like: slopes }) => slopes)),
  };
}

export const matchMagnitudeBackward: Reference = {
  twin: (inputs, params) => matchedSlopes(inputs, params, false),
  conditions: (inputs, params) => {
    const { dx, d_like } = matchedSlopes(inputs, params, true);
    const length = 2 * scalar(params, 'columns');
    return { dx: { length, magnitude: dx }, d_like: { length, magnitude: d_like } };
  },
};

interface Cut {
  readonly x: Float64Array;
  readonly mean: number;
  readonly deviation: number;
  readonly cutoff: number;
}

function cutRows(inputs: Inputs, params: Params): Cut[] {
  return rowsOf(floats(inputs, 'x'), params).map((x) => {
    const mean = meanOf(x);
    const deviation = Math.sqrt(meanOf(x.map((value) => (value - mean) ** 2)));
    return { x, mean, deviation, cutoff: mean + scalar(params, 'deviations') * deviation };
  });
}

export const gaussianTopK: Reference = {
  twin: (inputs, params) => ({
    y: Float64Array.from(
      cutRows(inputs, params).flatMap(({ x, cutoff }) =>
        Array.from(x, (value) => Math.max(0, value - cutoff)),
      ),
    ),
  }),
  conditions: (inputs, params) => {
    const deviations = Math.abs(scalar(params, 'deviations'));
    const magnitude = cutRows(inputs, params).flatMap(({ x, deviation }) => {
      const mean = meanOf(x.map(Math.abs));
      return Array.from(x, (v) => Math.abs(v) + mean + deviations * (deviation + mean));
    });
    const length = 2 * scalar(params, 'columns');
    return { y: { length, magnitude: Float64Array.from(magnitude) } };
  },
};

function cutSlopes(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const sized = isSize ? Math.abs : same;
  const dys = rowsOf(floats(inputs, 'dy'), params);
  const deviations = scalar(params, 'deviations');
  const slopes = cutRows(inputs, params).flatMap(({ x, mean, deviation, cutoff }, row) => {
    const through = x.map((value, i) => (value > cutoff ? sized(dys[row]![i]!) : 0));
    const pull = meanOf(through);
    const around = meanOf(x.map(Math.abs));
    return Array.from(x, (value, i) => {
      if (deviation === 0) return through[i]! - pull;
      const distance = isSize ? Math.abs(value) + around : value - mean;
      const along = pull * (1 + (sized(deviations) * distance) / deviation);
      return isSize ? through[i]! + along : through[i]! - along;
    });
  });
  return Float64Array.from(slopes);
}

export const gaussianTopKBackward: Reference = {
  twin: (inputs, params) => ({ dx: cutSlopes(inputs, params, false) }),
  conditions: (inputs, params) => ({
    dx: { length: 2 * scalar(params, 'columns'), magnitude: cutSlopes(inputs, params, true) },
  }),
};
