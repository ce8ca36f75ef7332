// The checks of the gradients of attention and of its heads.

import { attention } from '../shaders/attention/attention.ts';
import { rotaryTurns } from '../shaders/attention/heads/rotary-turns.ts';
import { splitHeads } from '../shaders/attention/heads/split-heads.ts';
import { querySums } from '../shaders/attention/backward/attention-backward.ts';
import type { Result } from './checks.ts';
import { headOf } from './decoder.ts';
import { gradientOf, keep, rate } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { attend, dot, rowsOf } from './math.ts';
import type { NamedCheck } from './run-check.ts';

/** To be run on recordings that keep a tape. */
export function attentionGradientChecks(): NamedCheck[] {
  return [
    ['gradient of attention, delta', (inputs) => checkSums(inputs, false)],
    ['gradient of attention, sinks', (inputs) => checkSums(inputs, true)],
    ['gradient of attention, queries', (inputs) => checkAttention(inputs, 'q')],
    ['gradient of causal attention with dropout, keys', (inputs) => checkAttention(inputs, 'kv')],
    ['gradient of attention, columns that it does not read', checkOthers],
    ['gradient of heads, normalized and rotated', (inputs) => checkHeads(inputs, 'projections')],
    ['gradient of norms of heads', (inputs) => checkHeads(inputs, 'weight')],
  ];
}

/** Sums over the columns of each head, or what sinks make of them. */
function checkSums(inputs: Inputs, ofSinks: boolean): Result {
  const [batches, queries, heads, size] = [2, 5, 3, 7];
  const shape = [batches, queries, heads * size];
  const [y, dy] = [inputs.floats(shape), inputs.floats(shape)];
  const [lse, sinks] = [inputs.floats([batches, heads, queries]), inputs.floats([heads])];
  const deltaOf = (row: number): number => {
    const [batch, head] = [Math.floor(row / queries / heads), Math.floor(row / queries) % heads];
    const at = ((batch * queries + (row % queries)) * heads + head) * size;
    return dot(y.data, at, dy.data, at, size);
  };
  const given = { lse: lse.tensor, ...(ofSinks && { sinks: sinks.tensor }) };
  const { sums, dsinks } = querySums(y.tensor, dy.tensor, given);
  if (dsinks === undefined) {
    return { output: sums, wanted: [...lse.data].flatMap((value, row) => [value, deltaOf(row)]) };
  }
  const wanted = Float64Array.from({ length: lse.data.length }, (_, i) => {
    const [token, head] = [Math.floor(i / heads), i % heads];
    const row = (Math.floor(token / queries) * heads + head) * queries + (token % queries);
    return (
      -Math.exp(Math.min((sinks.data[head] ?? NaN) - (lse.data[row] ?? NaN), 0)) * deltaOf(row)
    );
  });
  return { output: dsinks, wanted };
}

/** Keys and values that stand behind other columns. */
function checkOthers(inputs: Inputs): Result {
  return checkAttention(inputs, 'kv', 3);
}

/** q in one tensor, k and v side by side in another, `before` others; causal and with dropout for the keys. */
function checkAttention(inputs: Inputs, wanted: 'q' | 'kv', before = 0): Result {
  const causal = wanted === 'kv';
  const [batches, heads, size, queries, keys] = [2, 2, 5, 5, causal ? 5 : 6];
  const width = heads * size;
  const q = inputs.floats([batches, queries, width]);
  const kv = inputs.floats([batches, keys, before + 2 * width]);
  const mask = Uint32Array.from({ length: batches * keys }, (_, i) => Number(i % 5 !== 3));
  const { output } = attention({
    q: { tensor: q.tensor, start: 0 },
    k: { tensor: kv.tensor, start: before },
    v: { tensor: kv.tensor, start: before + width },
    keyMask: inputs.tensor([batches, keys], mask),
    heads,
    headSize: size,
    causal,
    dropout: causal ? rate : 0,
  });
  const sees = (batch: number, query: number, key: number): boolean =>
    mask[batch * keys + key] === 1 && (!causal || key <= query);
  const shape = { batches, heads, queries, keys, size, sees, ...(causal && { keep }) };
  const forward = (query: ArrayLike<number>, both: ArrayLike<number>): Float64Array => {
    const rows = rowsOf(both, before + 2 * width);
    const k = rows.flatMap((row) => row.slice(before, before + width));
    const v = rows.flatMap((row) => row.slice(before + width));
    return attend(query, k, v, shape).output;
  };
  return wanted === 'q'
    ? gradientOf(inputs, output, q, (values) => forward(values, kv.data))
    : gradientOf(inputs, output, kv, (values) => forward(q.data, values));
}

/** Two tokens with two query heads, a key and a value head of 9 columns, of which 6 rotate. */
function checkHeads(inputs: Inputs, wanted: 'projections' | 'weight'): Result {
  const [size, frequencies, positions] = [9, [1, 0.25, 0.01], [131071, 2]];
  const [projections, weight] = [inputs.floats([1, 2, 4 * size]), inputs.floats([2 * size])];
  const output = splitHeads({
    projections: projections.tensor,
    place: inputs.tensor([1, 2, 2], Uint32Array.from(positions.flatMap((at) => [at, 0]))),
    heads: 2,
    keyValueHeads: 1,
    headSize: size,
    rotary: { turns: inputs.tensor([frequencies.length, 2], rotaryTurns(frequencies)), scale: 1 },
    headNorm: { weight: weight.tensor, eps: 1e-6, offset: 1 },
  });
  const forward = (x: ArrayLike<number>, gains: ArrayLike<number>): number[] => {
    const [queries, keys] = rowsOf(gains, size);
    return rowsOf(x, size).flatMap((row, i) => {
      const gain = i % 4 === 2 ? keys : queries;
      if (i % 4 === 3 || gain === undefined) return row;
      return headOf(row, { weight: gain, position: positions[i >> 2] ?? NaN, frequencies });
    });
  };
  return wanted === 'projections'
    ? gradientOf(inputs, output, projections, (values) => forward(values, weight.data))
    : gradientOf(inputs, output, weight, (values) => forward(projections.data, values));
}
