// The gradient of a bias by distance: that of all scores of one distance, in two steps.

import { eachPair, type Pair } from './attention-backward.ts';
import {
  type Constants,
  floats,
  type Inputs,
  type Params,
  type Reference,
  scalar,
} from './twin.ts';

/** What scores have in tiles of 4 or 32 queries and keys, by diagonal of tiles and by distance in a tile. */
function ofDiagonals(
  inputs: Inputs,
  params: Params,
  constants: Constants,
  value: (pair: Pair, delta: number) => number,
): Float64Array {
  const dscores = new Float64Array(floats(inputs, 'dscores').length);
  const [sums, queries] = [floats(inputs, 'sums'), scalar(params, 'queries')];
  const size = constants['CHUNKS'] === undefined ? 4 : 32;
  const rowTiles = Math.ceil(queries / size);
  const diagonals = rowTiles + Math.ceil(scalar(params, 'keys') / size) - 1;
  eachPair(inputs, params, constants, (pair) => {
    const { row, distance } = pair;
    const [line, query] = [Math.floor(row / queries), row % queries];
    const tiles = Math.floor((query + distance) / size) - Math.floor(query / size);
    const diagonal = line * diagonals + rowTiles - 1 + tiles;
    const place = 2 * size * diagonal + distance - size * tiles + size - 1;
    dscores[place]! += value(pair, sums[2 * row + 1]!);
  });
  return dscores;
}

export const attentionBackwardBias: Reference = {
  twin: (inputs, params, constants) => ({
    dscores: ofDiagonals(
      inputs,
      params,
      constants,
      ({ weight, dp }, delta) => weight * (dp - delta),
    ),
  }),
  conditions: (inputs, params, constants) => ({
    dscores: {
      length: scalar(params, 'queries') + scalar(params, 'head_size'),
      magnitude: ofDiagonals(
        inputs,
        params,
        constants,
        ({ weight, dpMagnitude, factor }, delta) =>
          weight * (dpMagnitude + Math.abs(delta)) * factor,
      ),
    },
  }),
};

/** Of each distance what the diagonals of tiles have; those beyond the last ones count as these. */
function byDistance(
  inputs: Inputs,
  params: Params,
  value: (score: number) => number,
): Float64Array {
  const [dscores, heads] = [floats(inputs, 'dscores'), scalar(params, 'heads')];
  const [size, diagonals] = [scalar(params, 'size'), scalar(params, 'diagonals')];
  const reach = (scalar(params, 'distances') - 1) / 2;
  const dbias = new Float64Array((2 * reach + 1) * heads);
  dscores.forEach((score, i) => {
    const [line, place] = [Math.floor(i / (2 * size)), i % (2 * size)];
    if (place === 2 * size - 1) return;
    const distance = (line % diagonals) * size + place - scalar(params, 'first');
    const row = Math.max(-reach, Math.min(reach, distance)) + reach;
    dbias[row * heads + (Math.floor(line / diagonals) % heads)]! += value(score);
  });
  return dbias;
}

export const attentionBackwardDistance: Reference = {
  twin: (inputs, params) => ({ dbias: byDistance(inputs, params, (score) => score) }),
  conditions: (inputs, params) => ({
    dbias: {
      length: 2 * scalar(params, 'batches') * scalar(params, 'diagonals') * scalar(params, 'size'),
      magnitude: byDistance(inputs, params, Math.abs),
    },
  }),
};
