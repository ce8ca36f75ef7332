// Objects and the tokens that stand for them (DETR, §3.1): costs, matchings, and the loss of boxes.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

type Box = readonly [x: number, y: number, width: number, height: number];

function boxAt(values: Float64Array, index: number): Box {
  const [x = NaN, y = NaN, width = NaN, height = NaN] = values.subarray(4 * index);
  return [x, y, width, height];
}

/** The length that two boxes share along an axis, and that holds both. */
function along(axis: 0 | 1, a: Box, b: Box): { shared: number; whole: number } {
  const low = (box: Box): number => box[axis] - box[axis === 0 ? 2 : 3] / 2;
  const high = (box: Box): number => box[axis] + box[axis === 0 ? 2 : 3] / 2;
  return {
    shared: Math.max(0, Math.min(high(a), high(b)) - Math.max(low(a), low(b))),
    whole: Math.max(high(a), high(b)) - Math.min(low(a), low(b)),
  };
}

/** Generalized intersection over union. */
function generalizedOverlap(a: Box, b: Box): number {
  const [x, y] = [along(0, a, b), along(1, a, b)];
  const shared = x.shared * y.shared;
  const united = a[2] * a[3] + b[2] * b[3] - shared;
  const whole = x.whole * y.whole;
  return shared / united - (whole - united) / whole;
}

function distance(a: Box, b: Box): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0);
}

/** How much the overlap errs by: edges cancel where boxes are small beside their places. */
function errorOf(a: Box, b: Box): number {
  return 1 + (4 * Math.max(...a.map(Math.abs), ...b.map(Math.abs))) / Math.min(a[2], a[3]);
}

function costs(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const [probabilities, classes] = [floats(inputs, 'probabilities'), integers(inputs, 'classes')];
  const [boxes, places] = [floats(inputs, 'boxes'), floats(inputs, 'places')];
  const [queries, room] = [scalar(params, 'queries'), scalar(params, 'room')];
  return Float64Array.from({ length: scalar(params, 'size') }, (_, i) => {
    const object = Math.floor(i / queries);
    const query = Math.floor(object / room) * queries + (i % queries);
    const [a, b] = [boxAt(boxes, query), boxAt(places, object)];
    const p = probabilities[query * scalar(params, 'columns') + classes[object]!]!;
    const known = scalar(params, 'class_cost') * p;
    const far = scalar(params, 'box_cost') * distance(a, b);
    const overlap = scalar(params, 'overlap_cost');
    if (isSize) return known + far + overlap * errorOf(a, b);
    return far - known - overlap * generalizedOverlap(a, b);
  });
}

export const boxCosts: Reference = {
  twin: (inputs, params) => ({ costs: costs(inputs, params, false) }),
  conditions: (inputs, params) => ({
    costs: { length: 8, magnitude: costs(inputs, params, true) },
  }),
};

interface Matching {
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly least: Float64Array;
  readonly way: Uint32Array;
  readonly matched: Uint32Array;
}

/** One more object of each image, by the shortest augmenting path from the matching of those before. */
export const matchBoxes: Reference = {
  twin: (inputs, params) => {
    const state = {
      u: floats(inputs, 'u').slice(),
      v: floats(inputs, 'v').slice(),
      least: floats(inputs, 'least').slice(),
      way: integers(inputs, 'way').slice(),
      matched: integers(inputs, 'matched').slice(),
    };
    for (let image = 0; image < scalar(params, 'batches'); image++) {
      matchOne(inputs, params, image, state);
    }
    return state;
  },
  // Potentials are sums and differences of costs.
  conditions: (inputs, params) => {
    const most = floats(inputs, 'costs').reduce((size, cost) => Math.max(size, Math.abs(cost)), 1);
    const length = scalar(params, 'queries') + scalar(params, 'room');
    const sum = { length, magnitude: most * length };
    const exact = { length: 0, magnitude: 0 };
    return { u: sum, v: sum, least: sum, way: exact, matched: exact };
  },
};

const [far, done] = [Math.fround(1e30), Math.fround(-1e30)];

function matchOne(inputs: Inputs, params: Params, image: number, all: Matching): void {
  const [queries, room] = [scalar(params, 'queries'), scalar(params, 'room')];
  const objects = [image * (room + 1), (image + 1) * (room + 1)] as const;
  const tokens = [image * (queries + 1), (image + 1) * (queries + 1)] as const;
  const u = all.u.subarray(...objects);
  const [v, least] = [all.v.subarray(...tokens), all.least.subarray(...tokens)];
  const [way, matched] = [all.way.subarray(...tokens), all.matched.subarray(...tokens)];
  const object = scalar(params, 'object');
  if (object === 0) {
    for (const values of [u, v, way, matched]) values.fill(0);
    least.fill(far);
  }
  if (object >= integers(inputs, 'sizes')[image]!) return;
  const costOf = (row: number, column: number): number =>
    floats(inputs, 'costs')[(image * room + row - 1) * queries + column - 1]!;
  matched[0] = object + 1;
  least.fill(far);
  let column = 0;
  do {
    least[column] = done;
    const row = matched[column]!;
    let [delta, nearest] = [far, 0];
    for (let j = 1; j <= queries; j++) {
      if (least[j] === done) continue;
      const reduced = costOf(row, j) - u[row]! - v[j]!;
      if (reduced < least[j]!) {
        least[j] = reduced;
        way[j] = column;
      }
      if (least[j]! < delta) {
        delta = least[j]!;
        nearest = j;
      }
    }
    for (let j = 0; j <= queries; j++) {
      if (least[j] === done) {
        u[matched[j]!]! += delta;
        v[j]! -= delta;
      } else least[j]! -= delta;
    }
    column = nearest;
  } while (matched[column] !== 0);
  while (column !== 0) {
    const before = way[column]!;
    matched[column] = matched[before]!;
    column = before;
  }
}

/** The object of a token, counted from 1; 0 = nothing. */
function objectOf(inputs: Inputs, params: Params, i: number): { image: number; object: number } {
  const queries = scalar(params, 'queries');
  const image = Math.floor(i / queries);
  const object = integers(inputs, 'matched')[image * (queries + 1) + (i % queries) + 1]!;
  return { image, object };
}

export const matchLabels: Reference = {
  twin: (inputs, params) => {
    const [share, classes] = [floats(inputs, 'shares')[0]!, integers(inputs, 'classes')];
    const room = scalar(params, 'room');
    const all = Array.from({ length: scalar(params, 'size') }, (_, i) =>
      objectOf(inputs, params, i),
    );
    return {
      label: Uint32Array.from(all, ({ image, object }) =>
        object === 0 ? scalar(params, 'nothing') : classes[image * room + object - 1]!,
      ),
      weights: Float64Array.from(
        all,
        ({ object }) => share * (object === 0 ? scalar(params, 'rest') : 1),
      ),
    };
  },
  conditions: (inputs) => ({
    label: { length: 0, magnitude: 0 },
    weights: { length: 1, magnitude: Math.abs(floats(inputs, 'shares')[0]!) },
  }),
};

/** Calls `visit` with each token that has an object, and the boxes of both. */
function eachMatch(
  inputs: Inputs,
  params: Params,
  visit: (i: number, a: Box, b: Box) => void,
): void {
  const [boxes, places] = [floats(inputs, 'boxes'), floats(inputs, 'places')];
  for (let i = 0; i < scalar(params, 'size'); i++) {
    const { image, object } = objectOf(inputs, params, i);
    if (object === 0) continue;
    visit(i, boxAt(boxes, i), boxAt(places, image * scalar(params, 'room') + object - 1));
  }
}

function losses(inputs: Inputs, params: Params, isSize: boolean): Float64Array {
  const y = new Float64Array(scalar(params, 'size'));
  const [by, overlap] = [scalar(params, 'distance'), scalar(params, 'overlap')];
  const share = floats(inputs, 'shares')[1]!;
  eachMatch(inputs, params, (i, a, b) => {
    const apart = isSize ? errorOf(a, b) : 1 - generalizedOverlap(a, b);
    y[i] = share * (by * distance(a, b) + overlap * apart);
  });
  return y;
}

export const boxLoss: Reference = {
  twin: (inputs, params) => ({ y: losses(inputs, params, false) }),
  conditions: (inputs, params) => ({
    y: { length: 8, magnitude: losses(inputs, params, true) },
  }),
};

/** By central differences of the loss itself, whose corners boxes seldom meet. */
export const boxLossBackward: Reference = {
  twin: (inputs, params) => {
    const [boxes, dy] = [floats(inputs, 'boxes'), floats(inputs, 'dy')];
    const step = 2 ** -20;
    const dboxes = boxes.map((value, at) => {
      const moved = boxes.slice();
      const token = Math.floor(at / 4);
      const lossAt = (x: number): number => {
        moved[at] = x;
        return losses({ ...inputs, boxes: moved }, params, false)[token]!;
      };
      return (dy[token]! * (lossAt(value + step) - lossAt(value - step))) / (2 * step);
    });
    return { dboxes };
  },
  conditions: (inputs, params) => {
    const [dy, share] = [floats(inputs, 'dy'), floats(inputs, 'shares')[1]!];
    const magnitude = new Float64Array(4 * scalar(params, 'size'));
    eachMatch(inputs, params, (i, a, b) => {
      const slope = (8 * errorOf(a, b)) / Math.min(a[2], a[3]);
      const size = scalar(params, 'distance') + scalar(params, 'overlap') * slope;
      magnitude.fill(Math.abs(dy[i]! * share) * size, 4 * i, 4 * i + 4);
    });
    return { dboxes: { length: 8, magnitude } };
  },
};
