// Attention of one new token a sequence: over a cache that it joins, and over fixed keys.

import { attend, type Attended } from './attend.ts';
import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

interface Results {
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly rows: Attended[];
}

/** The new key and value go to place `length` of the cache; the query sees places 0 to `length`. */
function decode(inputs: Inputs, params: Params): Results {
  const q = floats(inputs, 'q');
  const lengths = integers(inputs, 'length');
  const mask = inputs['key_mask'] && integers(inputs, 'key_mask');
  const k = floats(inputs, 'k').slice();
  const v = floats(inputs, 'v').slice();
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [capacity, headSize] = [scalar(params, 'capacity'), scalar(params, 'head_size')];
  const pitch = scalar(params, 'q_pitch');
  const width = heads * headSize;
  const rows: Attended[] = [];
  for (let b = 0; b < batches; b++) {
    const length = lengths[b]!;
    if (length >= capacity) throw new RangeError(`no place ${length} in a cache of ${capacity}`);
    for (let c = 0; c < width; c++) {
      k[(b * capacity + length) * width + c] = q[b * pitch + scalar(params, 'k_start') + c]!;
      v[(b * capacity + length) * width + c] = q[b * pitch + scalar(params, 'v_start') + c]!;
    }
    // A token always sees itself.
    const seen = Array.from(
      { length: length + 1 },
      (_, s) => s === length || mask === undefined || mask[b * capacity + s] !== 0,
    );
    for (let h = 0; h < heads; h++) {
      const starts = seen.map((_, s) => (b * capacity + s) * width + h * headSize);
      const query = b * pitch + scalar(params, 'q_start') + h * headSize;
      rows.push(
        attend(
          { values: q, starts: [query] },
          { values: k, starts },
          { values: v, starts },
          seen,
          headSize,
          scalar(params, 'scale'),
        ),
      );
    }
  }
  return { k, v, rows };
}

function cross(inputs: Inputs, params: Params): Attended[] {
  const mask = integers(inputs, 'key_mask');
  const [batches, heads] = [scalar(params, 'batches'), scalar(params, 'heads')];
  const [keys, headSize] = [scalar(params, 'keys'), scalar(params, 'head_size')];
  const rows: Attended[] = [];
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      const place = (name: string, s: number, count: number): number =>
        (b * count + s) * scalar(params, `${name}_pitch`) +
        scalar(params, `${name}_start`) +
        h * headSize;
      const each = Array.from({ length: keys }, (_, s) => s);
      rows.push(
        attend(
          { values: floats(inputs, 'q'), starts: [place('q', 0, 1)] },
          { values: floats(inputs, 'k'), starts: each.map((s) => place('k', s, keys)) },
          { values: floats(inputs, 'v'), starts: each.map((s) => place('v', s, keys)) },
          each.map((s) => mask[b * keys + s] !== 0),
          headSize,
          scalar(params, 'scale'),
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
  twin: (inputs, params) => {
    const { k, v, rows } = decode(inputs, params);
    return { k, v, y: join(rows, ({ output }) => output) };
  },
  conditions: (inputs, params) => ({
    k: { length: 0, magnitude: 0 },
    v: { length: 0, magnitude: 0 },
    y: {
      length: scalar(params, 'capacity') + scalar(params, 'head_size'),
      magnitude: magnitudeOf(decode(inputs, params).rows),
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
