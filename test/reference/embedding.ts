// Token embedding with positions, its gradient, and the counters of decoding.

import { floats, type Inputs, integers, type Params, type Reference, scalar } from './twin.ts';

/**
 * y[t, c] = table[id + start, c] · scale + positions[position + offset, c], where `weight` holds some rows of the
 * table; tokens of the others stay as they were. Ids beyond the table have its first row.
 */
function embed(
  inputs: Inputs,
  params: Params,
  value: (x: number) => number = (x) => x,
): Float64Array {
  const [weight, ids] = [floats(inputs, 'weight'), integers(inputs, 'ids')];
  const [tokens, columns] = [scalar(params, 'tokens'), scalar(params, 'columns')];
  const isPart = scalar(params, 'last') + 1 < scalar(params, 'words');
  const y = isPart ? Float64Array.from(floats(inputs, 'y')) : new Float64Array(tokens * columns);
  for (let t = 0; t < tokens; t++) {
    const named = ids[t * scalar(params, 'id_stride')]! + scalar(params, 'start');
    const word = (named < scalar(params, 'words') ? named : 0) - scalar(params, 'first');
    if (word < 0 || word > scalar(params, 'last')) continue;
    for (let c = 0; c < columns; c++) {
      const token = weight[word * scalar(params, 'pitch') + c]! * scalar(params, 'scale');
      let position = 0;
      if (inputs['position'] !== undefined) {
        const place =
          integers(inputs, 'position')[t * scalar(params, 'stride')]! + scalar(params, 'offset');
        position = floats(inputs, 'positions')[place * columns + c]!;
      }
      y[t * columns + c] = value(token) + value(position);
    }
  }
  return y;
}

export const embedding: Reference = {
  twin: (inputs, params) => ({ y: embed(inputs, params) }),
  conditions: (inputs, params) => ({
    y: { length: 0, magnitude: embed(inputs, params, Math.abs) },
  }),
};

const none = 2 ** 32 - 1;

/** The token before each token, and the last one of each word, with the same id. */
export const embeddingLinks: Reference = {
  twin: (inputs, params) => {
    const all = integers(inputs, 'ids');
    const ids = Array.from({ length: scalar(params, 'tokens') }, (_, t) => {
      const named = all[t * scalar(params, 'stride')]! + scalar(params, 'offset');
      return named < scalar(params, 'vocabulary') ? named : 0;
    });
    const words = Array.from({ length: scalar(params, 'vocabulary') }, (_, word) => word);
    const before = ids.map((id, t) => ids.slice(0, t).lastIndexOf(id));
    const last = words.map((word) => ids.lastIndexOf(word));
    return { links: Uint32Array.from([...before, ...last], (t) => (t < 0 ? none : t)) };
  },
  conditions: () => ({ links: { length: 0, magnitude: 0 } }),
};

/** Adds each token's row of dy to the row of its id. */
function scatter(inputs: Inputs, params: Params, value: (x: number) => number): Float64Array {
  const [links, dy] = [integers(inputs, 'links'), floats(inputs, 'dy')];
  const [columns, scale] = [scalar(params, 'columns'), scalar(params, 'scale')];
  const dtable = new Float64Array(scalar(params, 'vocabulary') * columns);
  for (let word = 0; word < scalar(params, 'vocabulary'); word++) {
    if (word + scalar(params, 'first') === scalar(params, 'padding')) continue;
    let t = links[scalar(params, 'tokens') + scalar(params, 'first') + word]!;
    for (; t !== none; t = links[t]!) {
      for (let c = 0; c < columns; c++) {
        dtable[word * columns + c]! += value(dy[t * columns + c]! * scale);
      }
    }
  }
  return dtable;
}

export const embeddingBackward: Reference = {
  twin: (inputs, params) => ({ dtable: scatter(inputs, params, (x) => x) }),
  conditions: (inputs, params) => ({
    dtable: { length: scalar(params, 'tokens'), magnitude: scatter(inputs, params, Math.abs) },
  }),
};
