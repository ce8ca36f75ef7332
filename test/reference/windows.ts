// Windows of signals and their gradients, by the axes that they have.

import { floats, type Inputs, type Params, type Reference, scalar } from './twin.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** An element of a window: its place there, and where it comes from in the signal; nowhere in the padding. */
interface Place {
  readonly to: number;
  readonly from: number | undefined;
}

function places(params: Params): Place[] {
  const at = (name: string): number => scalar(params, name);
  const [channels, size, count] = [at('channels'), at('size'), at('count')];
  return range(at('batches')).flatMap((batch) =>
    range(count).flatMap((window) =>
      range(channels).flatMap((channel) =>
        range(size).map((place) => {
          const step = window * at('stride') + place - at('padding');
          const own =
            batch * at('batch_pitch') +
            (at('first') + channel) * at('channel_pitch') +
            step * at('step_pitch');
          return {
            to: ((batch * count + window) * channels + channel) * size + place,
            from: step >= 0 && step < at('length') ? own : undefined,
          };
        }),
      ),
    ),
  );
}

export const windows: Reference = {
  twin: (inputs, params) => {
    const x = floats(inputs, 'x');
    const all = places(params);
    const y = new Float64Array(all.length);
    for (const { to, from } of all) y[to] = from === undefined ? 0 : x[from]!;
    return { y };
  },
  // Numbers that are copied are exact.
  conditions: (_, params) => ({
    y: { length: 0, magnitude: new Float64Array(places(params).length) },
  }),
};

/** Each element's gradient, and the sum of the absolute values that it is made of. */
function gathered(inputs: Inputs, params: Params): { dx: Float64Array; magnitude: Float64Array } {
  const dy = floats(inputs, 'dy');
  const length = scalar(params, 'batches') * scalar(params, 'batch_pitch');
  const [dx, magnitude] = [new Float64Array(length), new Float64Array(length)];
  for (const { to, from } of places(params)) {
    if (from === undefined) continue;
    dx[from]! += dy[to]!;
    magnitude[from]! += Math.abs(dy[to]!);
  }
  return { dx, magnitude };
}

export const windowsBackward: Reference = {
  twin: (inputs, params) => ({ dx: gathered(inputs, params).dx }),
  conditions: (inputs, params) => ({
    dx: { length: scalar(params, 'size'), magnitude: gathered(inputs, params).magnitude },
  }),
};
