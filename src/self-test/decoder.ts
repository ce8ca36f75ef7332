// The checks of the self-test for what decoders of today are made of.

import { gated, gatedLinear } from '../shaders/matmul/gates/gated.ts';
import { scale, softCap } from '../shaders/elementwise/scale.ts';
import { functions, type Result } from './checks.ts';
import type { Inputs } from './inputs.ts';
import { dot, rowsOf } from './math.ts';
import { normalize } from '../shaders/rows/norm.ts';
import type { NamedCheck } from './run-check.ts';
import { rotaryTurns } from '../shaders/attention/heads/rotary-turns.ts';
import { splitHeads } from '../shaders/attention/heads/split-heads.ts';

export function decoderChecks(): NamedCheck[] {
  return [
    ['heads, normalized and rotated: queries', (inputs) => checkHeads(inputs, true)],
    ['heads, normalized and rotated: keys in a cache', (inputs) => checkHeads(inputs, false)],
    ['RMS norm', (inputs) => checkRmsNorm(inputs, 83, false)],
    ['RMS norm with residual, in fours', (inputs) => checkRmsNorm(inputs, 84, true)],
    ['gated silu', (inputs) => checkGated(inputs, 7)],
    ['gated silu, in fours', (inputs) => checkGated(inputs, 8)],
    ['gated product of one row', checkGatedLinear],
    ['scale', (inputs) => checkRescale(inputs, 7)],
    ['soft bound, in fours', (inputs) => checkRescale(inputs, 8)],
  ];
}

/** (x / √(mean(x²) + ε)) · (1 + weight), of RMS norm. */
export function normalizeRms(
  x: readonly number[],
  weight: ArrayLike<number>,
  eps: number,
): number[] {
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(mean + eps)) * (1 + (weight[i] ?? NaN)));
}

/** Odd sizes are scaled, the others bounded. */
function checkRescale(inputs: Inputs, size: number): Result {
  const x = inputs.floats([3, size]);
  if (size % 2 === 1) return { output: scale(x.tensor, 3), wanted: x.data.map((v) => 3 * v) };
  const wanted = x.data.map((value) => 0.5 * Math.tanh(value / 0.5));
  return { output: softCap(x.tensor, 0.5), wanted };
}

function checkRmsNorm(inputs: Inputs, columns: number, withResidual: boolean): Result {
  const x = inputs.floats([5, columns]);
  const weight = inputs.floats([columns]);
  const residual = withResidual ? inputs.floats([5, columns]) : undefined;
  const sum = x.data.map((value, i) => value + (residual?.data[i] ?? 0));
  const norm = { weight: weight.tensor, eps: 1e-5, offset: 1 };
  return {
    output: normalize(x.tensor, norm, { residual: residual?.tensor }),
    wanted: rowsOf(sum, columns).flatMap((row) => normalizeRms(row, weight.data, 1e-5)),
  };
}

/** silu(gate) · value for the gates in the first half of each row and the values in the second. */
export function gate(x: ArrayLike<number>, columns: number): number[] {
  return rowsOf(x, 2 * columns).flatMap((row) =>
    row.slice(0, columns).map((value, i) => functions.silu(value) * (row[columns + i] ?? NaN)),
  );
}

function checkGated(inputs: Inputs, columns: number): Result {
  const x = inputs.floats([5, 2 * columns]);
  return { output: gated(x.tensor, 'silu'), wanted: gate(x.data, columns) };
}

function checkGatedLinear(inputs: Inputs): Result {
  const [depth, columns] = [67, 9];
  const [x, bias] = [inputs.floats([1, depth]), inputs.floats([2 * columns])];
  const weight = inputs.weight([2 * columns, depth], 'f16');
  const sums = Float64Array.from(
    bias.data,
    (value, i) => value + dot(x.data, 0, weight.data, i * depth, depth),
  );
  const options = { activation: 'silu', bias: bias.tensor } as const;
  return { output: gatedLinear(x.tensor, weight.tensor, options), wanted: gate(sums, columns) };
}

interface HeadOptions {
  /** Of the norm. */
  readonly weight: ArrayLike<number>;
  readonly position: number;
  /** Of columns that lie as far apart as there are of these. */
  readonly frequencies: readonly number[];
}

/** A head, normalized and rotated. */
export function headOf(
  columns: Iterable<number>,
  { weight, position, frequencies }: HeadOptions,
): number[] {
  const x = normalizeRms([...columns], weight, 1e-6);
  const turned = [...x];
  for (const [i, frequency] of frequencies.entries()) {
    const angle = position * Math.fround(frequency);
    const second = i + frequencies.length;
    const [a, b] = [x[i] ?? NaN, x[second] ?? NaN];
    turned[i] = a * Math.cos(angle) - b * Math.sin(angle);
    turned[second] = b * Math.cos(angle) + a * Math.sin(angle);
  }
  return turned;
}

/** Two tokens with two query heads, a key and a value head of 9 columns, of which 6 rotate. */
function checkHeads(inputs: Inputs, queries: boolean): Result {
  const [size, capacity, frequencies] = [9, 3, [1, 0.25, 0.01]];
  const projections = inputs.floats([1, 2, 4 * size]);
  const weight = inputs.floats([2 * size]);
  // The places of the one sequence lie in the slots in reverse order.
  const cache = inputs.floats([capacity, 2 * size]);
  const table = Uint32Array.of(2, 1, 0);
  const [positions, places] = [[131071, 5] as const, [2, 0] as const];
  const place = Uint32Array.of(positions[0], places[0], positions[1], places[1]);
  const turns = inputs.tensor([frequencies.length, 2], rotaryTurns(frequencies));
  const output = splitHeads({
    projections: projections.tensor,
    place: inputs.tensor([1, 2, 2], place),
    heads: 2,
    keyValueHeads: 1,
    headSize: size,
    rotary: { turns, scale: 1 },
    headNorm: { weight: weight.tensor, eps: 1e-6, offset: 1 },
    cache: cache.tensor,
    table: inputs.tensor([1, capacity], table),
  });
  const headAt = (token: number, head: number): number[] => {
    const from = (4 * token + head) * size;
    return headOf(projections.data.subarray(from, from + size), {
      weight: weight.data.subarray(head === 2 ? size : 0),
      position: positions[token] ?? NaN,
      frequencies,
    });
  };
  if (queries)
    return { output, wanted: [0, 1].flatMap((t) => [headAt(t, 0), headAt(t, 1)]).flat() };
  const wanted = Float64Array.from(cache.data);
  for (const [token, at] of places.entries()) {
    const [slot, value] = [table[at] ?? NaN, (4 * token + 3) * size];
    wanted.set(headAt(token, 2), 2 * slot * size);
    wanted.set(projections.data.subarray(value, value + size), (2 * slot + 1) * size);
  }
  return { output: cache.tensor, wanted };
}
