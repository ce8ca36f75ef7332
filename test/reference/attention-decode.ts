// Attention of one new token a sequence over a cache, which it joins or not.

import { attend, type Attended, scoringOf, sighted } from './attend.ts';
import {
  type Constants,
  floats,
  heldIn,
  type Inputs,
  integers,
  type Params,
  type Reference,
  scalar,
  spillOf,
} from './twin.ts';

interface Results {
  readonly spill: Uint32Array;
  readonly cache: Float64Array;
  readonly rows: Attended[];
}

const hidden = 2 ** 32 - 1;
/** Keys of a part are whole blocks. */
const block = 64;

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
  const spill = spillOf(inputs);
  const held = heldIn(inputs, spill);
  const places = Array.from({ length: batches }, (_, b) =>
    constants['CAUSAL'] === true ? integers(inputs, 'place')[2 * b + 1]! : capacity - 1,
  );
  places.forEach((place, b) => {
    if (place >= capacity) throw new RangeError(`no place ${place} in a table of ${capacity}`);
    const slot = table[b * capacity + place]!;
    if (!appends || slot === hidden) return;
    ['k_start', 'v_start'].forEach((start, part) => {
      const first = b * pitch + scalar(params, start);
      cache.set(held(q.slice(first, first + width)), (2 * slot + part) * width);
    });
  });
  const parts = scalar(params, 'parts');
  const values = Float64Array.from([...cache, ...q]);
  const rows: Attended[] = [];
  places.forEach((place, b) => {
    const slots = Array.from({ length: place + 1 }, (_, s) => table[b * capacity + s]!);
    // A token that joins always sees itself, even where no slot takes it.
    const own = appends ? place : -1;
    const seen = slots.map(
      (slot, s) => s === own || (slot !== hidden && sighted(params, constants, place, s)),
    );
    const first =
      constants['WINDOWED'] === true ? Math.max(0, place + 1 - scalar(params, 'window')) : 0;
    const keys = Math.max(0, place + (appends ? 0 : 1) - first);
    const each = Math.ceil(keys / (parts * block)) * block;
    // A token that joins is seen by the first part.
    const isInPart = (s: number, part: number): boolean =>
      s === own ? part === 0 : parts === 1 || Math.floor((s - first) / each) === part;
    for (let h = 0; h < heads; h++) {
      const column = Math.floor(h / group) * headSize;
      const starts = (part: number, start: string): number[] =>
        slots.map((slot, s) => {
          if (s === own) return cache.length + b * pitch + scalar(params, start) + column;
          return (2 * (slot === hidden ? 0 : slot) + part) * width + column;
        });
      const query = b * pitch + scalar(params, 'q_start') + h * headSize;
      const scoring = scoringOf(inputs, params, constants, h, place);
      for (let part = 0; part < parts; part++) {
        const mine = seen.map((one, s) => one && isInPart(s, part));
        rows.push(
          attend(
            { values: q, starts: [query] },
            { values, starts: starts(0, 'k_start') },
            { values, starts: starts(1, 'v_start') },
            mine,
            headSize,
            { ...scoring, sink: part === 0 ? scoring.sink : undefined },
          ),
        );
      }
    }
  });
  return { cache, rows, spill };
}

/** What a row leaves: its output; of a part the sum it is of, the largest score and the sum of weights. */
function valuesOf({ output, largest, lse }: Attended, isSplit: boolean): number[] {
  if (!isSplit) return [...output];
  const total = largest === -Infinity ? 0 : Math.exp(lse - largest);
  return [...output.map((value) => value * total), largest, total];
}

function magnitudesOf(row: Attended, isSplit: boolean): number[] {
  const { outputMagnitude, scoreMagnitude, largest, lse } = row;
  const total = !isSplit ? 1 : largest === -Infinity ? 0 : Math.exp(lse - largest);
  const values = [...outputMagnitude].map((value) => value * total * (1 + scoreMagnitude));
  return isSplit ? [...values, scoreMagnitude, total * (1 + scoreMagnitude)] : values;
}

export const attentionDecode: Reference = {
  twin: (inputs, params, constants) => {
    const { cache, rows, spill } = decode(inputs, params, constants);
    const isSplit = constants['SPLIT'] === true;
    return { spill, cache, y: Float64Array.from(rows.flatMap((row) => valuesOf(row, isSplit))) };
  },
  conditions: (inputs, params, constants) => {
    const { rows } = decode(inputs, params, constants);
    const isSplit = constants['SPLIT'] === true;
    return {
      spill: { length: 0, magnitude: 0 },
      cache: { length: 0, magnitude: 0 },
      y: {
        length: scalar(params, 'capacity') + scalar(params, 'head_size'),
        magnitude: Float64Array.from(rows.flatMap((row) => magnitudesOf(row, isSplit))),
      },
    };
  },
};

/** Parts of rows joined: softmax(scores)·v over all of their keys. sums: (rows, parts, head size + 2). */
function merge(inputs: Inputs, params: Params, isMagnitude: boolean): Float64Array {
  const sums = floats(inputs, 'sums');
  const [rows, parts] = [scalar(params, 'rows'), scalar(params, 'parts')];
  const size = scalar(params, 'head_size');
  const y = new Float64Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const starts = Array.from({ length: parts }, (_, part) => (row * parts + part) * (size + 2));
    const seen = starts.filter((at) => sums[at + size + 1]! > 0);
    const largest = Math.max(...seen.map((at) => sums[at + size]!));
    const factors = seen.map((at) => Math.exp(sums[at + size]! - largest));
    const total = seen.reduce((sum, at, i) => sum + sums[at + size + 1]! * factors[i]!, 0);
    for (let c = 0; c < size && seen.length > 0; c++) {
      const terms = seen.map((at, i) => {
        const value = sums[at + c]!;
        const apart = largest - sums[at + size]!;
        return isMagnitude ? Math.abs(value) * factors[i]! * (1 + apart) : value * factors[i]!;
      });
      y[row * size + c] = terms.reduce((sum, term) => sum + term, 0) / total;
    }
  }
  return y;
}

export const attentionMerge: Reference = {
  twin: (inputs, params) => ({ y: merge(inputs, params, false) }),
  conditions: (inputs, params) => ({
    y: { length: 2 * scalar(params, 'parts'), magnitude: merge(inputs, params, true) },
  }),
};
