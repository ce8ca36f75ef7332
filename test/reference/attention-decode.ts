// Attention of one new token a sequence over a cache, which it joins or not.

import { attend, type Attended, scoringOf, sighted } from './attend.ts';
import {
  type Constants,
  floats,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

interface Results {
  readonly cache: Float64Array;
  readonly rows: Attended[];
}

const hidden = 2 ** 32 - 1;

/**
 * A new key and value go to the slot that the table has at the token's place; the query sees places up
 * to its own, or all when it is not causal.
 */
function decode(inputs: Inputs, params: Params, constants: Constants): Results {
  const q = floats(inputs, 'q');
  const table = integers(inputs, 'table');
  const cache = floats(inputs, 'cache').slice();
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [capacity, headSize] = [scalar(params, 'capacity'), scalar(params, 'head_size')];
  const [pitch, group] = [scalar(params, 'q_pitch'), scalar(params, 'group')];
  const width = (heads / group) * headSize;
  const appends = constants['APPENDS'] === true;
  const places = Array.from({ length: batches }, (_, b) =>
    constants['CAUSAL'] === true ? integers(inputs, 'place')[2 * b + 1]! : capacity - 1,
  );
  places.forEach((place, b) => {
    if (place >= capacity) throw new RangeError(`no place ${place} in a table of ${capacity}`);
    const slot = table[b * capacity + place]!;
    if (!appends || slot === hidden) return;
    for (let c = 0; c < width; c++) {
      cache[2 * slot * width + c] = q[b * pitch + scalar(params, 'k_start') + c]!;
      cache[(2 * slot + 1) * width + c] = q[b * pitch + scalar(params, 'v_start') + c]!;
    }
  });
  const values = Float64Array.from([...cache, ...q]);
  const rows: Attended[] = [];
  places.forEach((place, b) => {
    const slots = Array.from({ length: place + 1 }, (_, s) => table[b * capacity + s]!);
    // A token that joins always sees itself, even where no slot takes it.
    const own = appends ? place : -1;
    const seen = slots.map(
      (slot, s) => s === own || (slot !== hidden && sighted(params, constants, place, s)),
    );
    for (let h = 0; h < heads; h++) {
      const column = Math.floor(h / group) * headSize;
      const starts = (part: number, start: string): number[] =>
        slots.map((slot, s) => {
          if (s === own) return cache.length + b * pitch + scalar(params, start) + column;
          return (2 * (slot === hidden ? 0 : slot) + part) * width + column;
        });
      const query = b * pitch + scalar(params, 'q_start') + h * headSize;
      rows.push(
        attend(
          { values: q, starts: [query] },
          { values, starts: starts(0, 'k_start') },
          { values, starts: starts(1, 'v_start') },
          seen,
          headSize,
          scoringOf(inputs, params, constants, h, place),
        ),
      );
    }
  });
  return { cache, rows };
}

function join(rows: readonly Attended[], values: (row: Attended) => Float64Array): Float64Array {
  return Float64Array.from(rows.flatMap((row) => [...values(row)]));
}

function magnitudeOf(rows: readonly Attended[]): Float64Array {
  return join(rows, ({ outputMagnitude, scoreMagnitude }) =>
    outputMagnitude.map((magnitude) => magnitude * (1 + scoreMagnitude)),
  );
}

export const attentionDecode: Reference = {
  twin: (inputs, params, constants) => {
    const { cache, rows } = decode(inputs, params, constants);
    return { cache, y: join(rows, ({ output }) => output) };
  },
  conditions: (inputs, params, constants) => ({
    cache: { length: 0, magnitude: 0 },
    y: {
      length: scalar(params, 'capacity') + scalar(params, 'head_size'),
      magnitude: magnitudeOf(decode(inputs, params, constants).rows),
    },
  }),
};
