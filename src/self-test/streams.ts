// The checks of streams of tokens that take shares of each other, of rows of the magnitude of others, and of cutoffs.

import { mixStreams } from '../shaders/streams/mix-streams.ts';
import { takeColumns } from '../shaders/elementwise/take-columns.ts';
import { gaussianTopK } from '../shaders/rows/gaussian-top-k.ts';
import { matchMagnitude } from '../shaders/streams/match-magnitude.ts';
import { gradientOf } from './gradients.ts';
import type { Inputs } from './inputs.ts';
import { dot, rowsOf } from './math.ts';
import type { NamedCheck } from './run-check.ts';
import type { Operation } from './speech.ts';

const [tokens, streams, others, columns] = [3, 3, 2, 7];

/** By what streams take shares of, or by the shares. */
function mixtureOf(inputs: Inputs, isByShares: boolean): Operation {
  const x = inputs.floats([tokens, streams * columns]);
  const taken = inputs.floats([tokens, others * columns]);
  const shares = inputs.floats([tokens, streams * others]);
  const output = mixStreams(x.tensor, taken.tensor, {
    columns,
    coefficients: shares.tensor,
    offset: 0.5,
    first: 1,
  });
  const forward = (moved: ArrayLike<number>): Float64Array => {
    const [values, coefficients] = isByShares ? [taken.data, moved] : [moved, shares.data];
    return Float64Array.from(x.data, (own, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      if (row % streams < 1) return own;
      const first = Math.floor(row / streams) * others;
      return Array.from({ length: others }, (_, p) => p).reduce((sum, p) => {
        const share = 0.5 + (coefficients[row * others + p] ?? NaN);
        return sum + share * (values[(first + p) * columns + column] ?? NaN);
      }, own);
    });
  };
  return { output, x: isByShares ? shares : taken, forward };
}

const magnitudeOf = (row: readonly number[]): number =>
  Math.sqrt(dot(row, 0, row, 0, row.length) / row.length);

/** By the rows that are brought to a magnitude. */
function matchedOf(inputs: Inputs): Operation {
  const [x, like] = [inputs.floats([5, 13]), inputs.floats([5, 13])];
  const wanted = rowsOf(like.data, 13).map(magnitudeOf);
  const forward = (moved: ArrayLike<number>): Float64Array =>
    Float64Array.from(
      rowsOf(moved, 13).flatMap((row, i) =>
        row.map((value) => (value * (wanted[i] ?? NaN)) / magnitudeOf(row)),
      ),
    );
  return { output: matchMagnitude(x.tensor, like.tensor, 1e-5), x, forward };
}

function cutOf(inputs: Inputs): Operation {
  const x = inputs.floats([5, 17]);
  const forward = (moved: ArrayLike<number>): Float64Array =>
    Float64Array.from(
      rowsOf(moved, 17).flatMap((row) => {
        const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
        const cutoff = mean + 0.4 * magnitudeOf(row.map((value) => value - mean));
        return row.map((value) => Math.max(0, value - cutoff));
      }),
    );
  return { output: gaussianTopK(x.tensor, 0.4), x, forward };
}

function columnsOf(inputs: Inputs): Operation {
  const x = inputs.floats([5, 9]);
  const forward = (moved: ArrayLike<number>): Float64Array =>
    Float64Array.from(rowsOf(moved, 9).flatMap((row) => row.slice(2, 5)));
  return { output: takeColumns(x.tensor, 2, 3, 'columns'), x, forward };
}

const operations: readonly (readonly [string, (inputs: Inputs) => Operation])[] = [
  ['streams with shares of others', (inputs) => mixtureOf(inputs, false)],
  ['rows of the magnitude of others', matchedOf],
  ['what stands above a cutoff', cutOf],
  ['columns on their own', columnsOf],
];

export function streamChecks(): NamedCheck[] {
  return operations.map(([name, operation]) => [
    name,
    (inputs) => {
      const { output, x, forward } = operation(inputs);
      return { output, wanted: forward(x.data) };
    },
  ]);
}

/** To be run on recordings that keep a tape. */
export function streamGradientChecks(): NamedCheck[] {
  const all = [
    ...operations,
    ['shares of streams', (inputs: Inputs) => mixtureOf(inputs, true)] as const,
  ];
  return all.map(([name, operation]) => [
    `gradient of ${name}`,
    (inputs) => {
      const { output, x, forward } = operation(inputs);
      return gradientOf(inputs, output, x, forward);
    },
  ]);
}
