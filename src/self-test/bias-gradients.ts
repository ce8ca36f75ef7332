// The checks of the gradient of a bias by distance.

import { gradients } from '../runtime/gradient.ts';
import { elements } from '../runtime/tensor.ts';
import { attention } from '../shaders/attention/attention.ts';
import { gradientRules } from '../shaders/gradients.ts';
import type { Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { attend, dot, rowsOf, slopes } from './math.ts';
import type { NamedCheck } from './run-check.ts';

const [batches, heads, size, queries, keys, reach] = [2, 2, 5, 7, 9, 3];
const width = heads * size;

/** To be run on recordings that keep a tape. */
export function biasGradientChecks(): NamedCheck[] {
  return [
    ['gradient of a bias by distance', (inputs) => checkBias(inputs, 'distances')],
    ['gradient of a bias, down the diagonals', (inputs) => checkBias(inputs, 'diagonals')],
  ];
}

/** The place among (distances, heads) that a pair has its bias from. */
function distanceOf(head: number, query: number, key: number): number {
  return (reach + Math.max(-reach, Math.min(reach, key - query))) * heads + head;
}

/** Distances up to 3 and beyond; or what the diagonals of tiles have of each. */
function checkBias(inputs: Inputs, of: 'distances' | 'diagonals'): Result {
  const q = inputs.floats([batches, queries, width]);
  const kv = inputs.floats([batches, keys, 2 * width]);
  const bias = inputs.floats([2 * reach + 1, heads]);
  const { output } = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: kv.tensor, start: 0 },
    v: { tensor: kv.tensor, start: width },
    keyMask: inputs.tensor([batches, keys], new Uint32Array(batches * keys).fill(1)),
    heads,
    headSize: size,
    causal: false,
    bias: bias.tensor,
  });
  const r = inputs.floats(output.shape);
  const { recording } = inputs;
  const seeds = new Map([[output, r.tensor]]);
  const dbias = gradients(recording, seeds, [bias.tensor], gradientRules).get(bias.tensor);
  const last = recording.dispatches.find(({ bindings }) => bindings['dbias'] === dbias);
  const diagonals = last?.bindings['dscores'];
  if (dbias === undefined || diagonals === undefined) throw new Error('the bias has no gradient');

  const rows = rowsOf(kv.data, 2 * width);
  const k = rows.flatMap((row) => row.slice(0, width));
  const v = rows.flatMap((row) => row.slice(width));
  const tile = diagonals.size(-1) / 2;
  const tilesOfQueries = Math.ceil(queries / tile);
  const tiles = tilesOfQueries + Math.ceil(keys / tile) - 1;
  /** The place among (batches, heads, diagonals, 2 · tile) that a pair's gradient goes to. */
  const diagonalOf = (line: number, query: number, key: number): number => {
    const diagonal = Math.floor(key / tile) - Math.floor(query / tile);
    const place = key - query - diagonal * tile + tile - 1;
    return (line * tiles + diagonal + tilesOfQueries - 1) * 2 * tile + place;
  };
  const loss = (moved: Float64Array): number => {
    const more = (at: number, _keyAt: number, query: number, key: number): number => {
      const head = Math.floor((at % width) / size);
      const line = Math.floor(at / width / queries) * heads + head;
      const distance = distanceOf(head, query, key);
      const added = moved[of === 'distances' ? distance : diagonalOf(line, query, key)] ?? NaN;
      // What comes to a product is scaled with it.
      return Math.sqrt(size) * (added + (of === 'distances' ? 0 : (bias.data[distance] ?? NaN)));
    };
    const shape = { batches, heads, queries, keys, size, sees: () => true, more };
    return dot(r.data, 0, attend(q.data, k, v, shape).output, 0, r.data.length);
  };
  return of === 'distances'
    ? { output: dbias, wanted: slopes(bias.data, loss) }
    : { output: diagonals, wanted: slopes(new Float64Array(elements(diagonals.shape)), loss) };
}
