// The checks of what encoders of speech are made of, and of its gradients.

import type { Tensor } from '../runtime/tensor.ts';
import { joinColumns } from '../shaders/elementwise/join-columns.ts';
import { dropLayer } from '../shaders/elementwise/layer-drop.ts';
import { mixLayers } from '../shaders/elementwise/layer-mix.ts';
import { maskRows } from '../shaders/elementwise/mask-rows.ts';
import { maskSpans } from '../shaders/elementwise/spans.ts';
import { overNorm } from '../shaders/rows/weight-norm.ts';
import type { Result } from './checks.ts';
import { type Input, type Inputs, seed, step } from './inputs.ts';
import { randomBits, softmaxRow } from './math.ts';
import type { NamedCheck } from './run-check.ts';

/** An operation, one of its inputs, and what it computes of the values of that. */
export interface Operation {
  readonly output: Tensor;
  readonly x: Input;
  readonly forward: (x: ArrayLike<number>) => Float64Array;
}

/** Three columns and two beside each other, in four rows; by the two. */
export function columnsOf(inputs: Inputs): Operation {
  const [left, right] = [inputs.floats([4, 3]), inputs.floats([4, 2])];
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 20 }, (_, i) => {
      const [row, column] = [Math.floor(i / 5), i % 5];
      return (column < 3 ? left.data[3 * row + column] : values[2 * row + column - 3]) ?? NaN;
    });
  return { output: joinColumns([left.tensor, right.tensor], 'joined'), x: right, forward };
}

/** Every second row of five. */
export function rowsThatCount(inputs: Inputs): Operation {
  const x = inputs.floats([5, 3]);
  const mask = inputs.tensor([5], Uint32Array.of(1, 0, 1, 0, 1));
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value, i) => (Math.floor(i / 3) % 2 ? 0 : value));
  return { output: maskRows(x.tensor, mask), x, forward };
}

/** Three layers by their scores; by these. */
export function mixtureOf(inputs: Inputs): Operation {
  const layers = [inputs.floats([7]), inputs.floats([7]), inputs.floats([7])] as const;
  const x = inputs.floats([3]);
  const forward = (scores: ArrayLike<number>): Float64Array => {
    const shares = softmaxRow(Array.from(scores));
    return Float64Array.from({ length: 7 }, (_, i) =>
      layers.reduce((sum, { data }, at) => sum + (data[i] ?? NaN) * (shares[at] ?? NaN), 0),
    );
  };
  const [first, second, third] = layers;
  return { output: mixLayers([first.tensor, second.tensor, third.tensor], x.tensor), x, forward };
}

/** The lengths of weights over the norms of their directions; by the squares of these. */
export function normsOf(inputs: Inputs): Operation {
  const [given, length] = [inputs.floats([5]), inputs.floats([5])];
  const data = given.data.map((value) => value ** 2 + 0.5);
  const x = { tensor: inputs.tensor([5], data), data };
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (energy, i) => (length.data[i] ?? NaN) / Math.sqrt(energy));
  return { output: overNorm(x.tensor, length.tensor), x, forward };
}

/** A layer with a rate at which it is dropped, or not; by what is chosen. */
export function layerOf(inputs: Inputs, dropped: boolean): Operation {
  const bits = randomBits(seed, step, 0, 0) / 2 ** 32;
  const [given, output] = [inputs.floats([7]), inputs.floats([7])];
  const rate = dropped ? (1 + bits) / 2 : bits / 2;
  const x = dropped ? given : output;
  const forward = (values: ArrayLike<number>): Float64Array => Float64Array.from(values);
  return { output: dropLayer(given.tensor, output.tensor, rate), x, forward };
}

/** Of two sequences of seven rows two spans of two each: those that begin where the least numbers are drawn. */
export function spansOf(inputs: Inputs): Operation {
  const x = inputs.floats([2, 7, 3]);
  const starts = spanStarts();
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from(values, (value, i) => {
      const row = Math.floor(i / 3);
      const before = row % 7 > 0 && starts[row - 1] === 1;
      return starts[row] === 1 || before ? 0 : value;
    });
  const spans = { rate: 0.01, length: 2, least: 2 };
  return { output: maskSpans(x.tensor, spans, { along: 'rows' }), x, forward };
}

function spanStarts(): number[] {
  return [0, 7].flatMap((first) => {
    const drawn = Array.from({ length: 6 }, (_, place) => randomBits(seed, step, 0, first + place));
    const second = drawn.toSorted((a, b) => a - b)[1] ?? NaN;
    return [...drawn.map((bits) => Number(bits <= second)), 0];
  });
}

function checkSpanStarts(inputs: Inputs): Result {
  const { recording } = inputs;
  const x = inputs.floats([2, 7, 3]);
  maskSpans(x.tensor, { rate: 0.01, length: 2, least: 2 }, { along: 'rows' });
  const output = recording.dispatches.at(-1)?.bindings['starts'] ?? x.tensor;
  return { output, wanted: spanStarts() };
}

function check(operation: (inputs: Inputs) => Operation): (inputs: Inputs) => Result {
  return (inputs) => {
    const { output, x, forward } = operation(inputs);
    return { output, wanted: forward(x.data) };
  };
}

export function speechChecks(): NamedCheck[] {
  return [
    ['columns side by side', check(columnsOf)],
    ['rows that count', check(rowsThatCount)],
    ['a mixture of layers', check(mixtureOf)],
    ['lengths over norms', check(normsOf)],
    ['a layer that is dropped', check((inputs) => layerOf(inputs, true))],
    ['spans that are masked', check(spansOf)],
    ['where spans begin', checkSpanStarts],
    ['a layer that is not', check((inputs) => layerOf(inputs, false))],
  ];
}
