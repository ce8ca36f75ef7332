// Attention of one new token a sequence: over a cache that it joins, and over fixed keys.

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
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly rows: Attended[];
}

/** A new key and value go to the token's slot of the cache; the query sees slots up to its own. */
function decode(inputs: Inputs, params: Params, constants: Constants): Results {
  const q = floats(inputs, 'q');
  const place = integers(inputs, 'place');
  const cacheRows = integers(inputs, 'rows');
  const k = floats(inputs, 'k').slice();
  const v = floats(inputs, 'v').slice();
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [capacity, headSize] = [scalar(params, 'capacity'), scalar(params, 'head_size')];
  const [pitch, group] = [scalar(params, 'q_pitch'), scalar(params, 'group')];
  const width = (heads / group) * headSize;
  const slots = Array.from({ length: batches }, (_, b) => place[2 * b + 1]!);
  slots.forEach((slot, b) => {
    if (slot >= capacity) throw new RangeError(`no slot ${slot} in a cache of ${capacity}`);
    if (constants['APPENDS'] !== true) return;
    for (let c = 0; c < width; c++) {
      k[(b * capacity + slot) * width + c] = q[b * pitch + scalar(params, 'k_start') + c]!;
      v[(b * capacity + slot) * width + c] = q[b * pitch + scalar(params, 'v_start') + c]!;
    }
  });
  const rows: Attended[] = [];
  slots.forEach((slot, b) => {
    const places = Array.from({ length: slot + 1 }, (_, s) => cacheRows[b * capacity + s]!);
    // A token that joins the cache always sees itself.
    const isOwn = (s: number): boolean => constants['APPENDS'] === true && s === slot;
    const seen = places.map(
      (row, s) => isOwn(s) || (row !== 2 ** 32 - 1 && sighted(params, constants, slot, s)),
    );
    for (let h = 0; h < heads; h++) {
      const starts = places.map((row, s) => {
        const owner = isOwn(s) || !seen[s] ? b : row;
        return (owner * capacity + s) * width + Math.floor(h / group) * headSize;
      });
      const query = b * pitch + scalar(params, 'q_start') + h * headSize;
      rows.push(
        attend(
          { values: q, starts: [query] },
          { values: k, starts },
          { values: v, starts },
          seen,
          headSize,
          scoringOf(inputs, params, constants, h, slot),
        ),
      );
    }
  });
  return { k, v, rows };
}

function cross(inputs: Inputs, params: Params): Attended[] {
  const mask = integers(inputs, 'key_mask');
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [keys, headSize] = [scalar(params, 'keys'), scalar(params, 'head_size')];
  const rows: Attended[] = [];
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      const source = Math.floor(b / scalar(params, 'beams'));
      const place = (name: string, s: number, count: number, batch: number): number =>
        (batch * count + s) * scalar(params, `${name}_pitch`) +
        scalar(params, `${name}_start`) +
        h * headSize;
      const each = Array.from({ length: keys }, (_, s) => s);
      rows.push(
        attend(
          { values: floats(inputs, 'q'), starts: [place('q', 0, 1, b)] },
          { values: floats(inputs, 'k'), starts: each.map((s) => place('k', s, keys, source)) },
          { values: floats(inputs, 'v'), starts: each.map((s) => place('v', s, keys, source)) },
          each.map((s) => mask[source * keys + s] !== 0),
          headSize,
          { scale: scalar(params, 'scale') },
        ),
      );
    }
  }
  return rows;
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
    const { k, v, rows } = decode(inputs, params, constants);
    return { k, v, y: join(rows, ({ output }) => output) };
  },
  conditions: (inputs, params, constants) => ({
    k: { length: 0, magnitude: 0 },
    v: { length: 0, magnitude: 0 },
    y: {
      length: scalar(params, 'capacity') + scalar(params, 'head_size'),
      magnitude: magnitudeOf(decode(inputs, params, constants).rows),
    },
  }),
};

export const attentionCross: Reference = {
  twin: (inputs, params) => ({ y: join(cross(inputs, params), ({ output }) => output) }),
  conditions: (inputs, params) => ({
    y: {
      length: scalar(params, 'keys') + scalar(params, 'head_size'),
      magnitude: magnitudeOf(cross(inputs, params)),
    },
  }),
};
