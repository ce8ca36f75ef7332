// The checks of what images become on their way into a stack.

import { columnScale } from '../shaders/elementwise/column-scale.ts';
import { logScale } from '../shaders/elementwise/log-scale.ts';
import { imageTokens } from '../shaders/image/image-tokens.ts';
import { patches } from '../shaders/image/patches.ts';
import { keepPixels, scalePixels } from '../shaders/image/pixel-units.ts';
import { pixelValues } from '../shaders/image/pixel-values.ts';
import { resampling, type ResamplingTensors, resize } from '../shaders/image/resample.ts';
import { tokenMeans } from '../shaders/image/token-means.ts';
import type { Result } from './checks.ts';
import type { Tensor } from '../runtime/tensor.ts';
import type { Input, Inputs } from './inputs.ts';
import type { NamedCheck } from './run-check.ts';

interface Patches {
  readonly output: Tensor;
  readonly pixels: Input;
  readonly forward: (pixels: ArrayLike<number>) => Float64Array;
}

/** Patches of 2 × 3 of an image of 4 × 6 with two channels: two down, two across. */
export function patchesOf(inputs: Inputs): Patches {
  const pixels = inputs.floats([1, 2, 4, 6]);
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 48 }, (_, i) => {
      const [patch, channel, within] = [Math.floor(i / 12), Math.floor((i % 12) / 6), i % 6];
      const row = 2 * Math.floor(patch / 2) + Math.floor(within / 3);
      return values[24 * channel + 6 * row + 3 * (patch % 2) + (within % 3)] ?? NaN;
    });
  return { output: patches(pixels.tensor, [2, 3]), pixels, forward };
}

function checkPatches(inputs: Inputs): Result {
  const { output, pixels, forward } = patchesOf(inputs);
  return { output, wanted: forward(pixels.data) };
}

/** What perturbations of two channels come to among pixels, and as much of them as leads no farther than white. */
function checkPixelUnits(inputs: Inputs, keeps: boolean): Result {
  const [x, pixels] = [inputs.floats([1, 2, 2, 3]), inputs.floats([1, 2, 2, 3])];
  const range = { black: [-1, -2], white: [1, 3] };
  const wanted = Float64Array.from(x.data, (value, i) => {
    const [black, reach] = i < 6 ? [-1, 2] : [-2, 5];
    const own = ((pixels.data[i] ?? NaN) - black) / reach;
    return keeps
      ? Math.min(Math.max(0, 1 - own), Math.max(Math.min(0, -own), value))
      : reach * value;
  });
  const output = keeps ? keepPixels(x.tensor, pixels.tensor, range) : scalePixels(x.tensor, range);
  return { output, wanted };
}

interface Tokens {
  readonly output: Tensor;
  readonly positions: Input;
  /** What they are, from the numbers of `positions`. */
  readonly forward: (positions: ArrayLike<number>) => Float64Array;
}

/** Two tokens, of which one has a position, before two patches, and one behind them, in two images. */
export function tokensOf(inputs: Inputs): Tokens {
  const columns = 3;
  const own = inputs.floats([2, 2, columns]);
  const around = inputs.floats([3, columns]);
  const positions = inputs.floats([4, columns]);
  const forward = (placed: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 2 * 5 * columns }, (_, i) => {
      const [token, image] = [Math.floor(i / columns) % 5, Math.floor(i / columns / 5)];
      const isPatch = token === 2 || token === 3;
      const from = isPatch ? own.data : around.data;
      const row = isPatch ? 2 * image + token - 2 : Math.min(token, 2);
      const position = token < 2 ? token : token - 1;
      const added = token === 1 ? 0 : (placed[position * columns + (i % columns)] ?? NaN);
      return (from[row * columns + (i % columns)] ?? NaN) + added;
    });
  const parts = { patches: own.tensor, around: around.tensor, positions: positions.tensor };
  return { output: imageTokens(parts, 1, 1), positions, forward };
}

function checkTokens(inputs: Inputs): Result {
  const { output, positions, forward } = tokensOf(inputs);
  return { output, wanted: forward(positions.data) };
}

/** Every second of four rows, and of six columns, as a filter as wide as a pixel has them. */
function checkResize(inputs: Inputs): Result {
  const [from, to] = [[4, 6] as const, [2, 3] as const];
  const words = Uint32Array.from({ length: 24 }, (_, i) => (i * 0x05_07_0b_0d) >>> 0);
  const axis = (index: 0 | 1): ResamplingTensors => {
    const { windows, weights, taps } = resampling(from[index], to[index], 'box');
    return {
      windows: inputs.tensor([to[index], 2], windows),
      weights: inputs.tensor([to[index], taps], new Uint32Array(weights.buffer)),
    };
  };
  const pixels = inputs.tensor(from, words);
  const output = resize(pixels, to, { down: axis(0), across: axis(1) });
  const byte = (row: number, column: number, channel: number): number =>
    ((words[6 * row + column] ?? 0) >>> (8 * channel)) & 255;
  // Along the rows first, each sum rounded.
  const half = (a: number, b: number): number => Math.floor((a + b + 1) / 2);
  const mean = (row: number, column: number, channel: number): number =>
    half(byte(row, column, channel), byte(row, column + 1, channel));
  const wanted = Array.from({ length: 6 }, (_, i) => {
    const [row, column] = [2 * Math.floor(i / 3), 2 * (i % 3)];
    return [0, 1, 2, 3].reduce(
      (word, channel) =>
        word + half(mean(row, column, channel), mean(row + 1, column, channel)) * 256 ** channel,
      0,
    );
  });
  return { output, wanted };
}

/** Two rows of a picture from one before it on, channels apart. */
function checkPixelValues(inputs: Inputs): Result {
  const words = Uint32Array.of(0x010203, 0x040506, 0x070809, 0x0a0b0c);
  const values = inputs.floats([3, 256]);
  const y = inputs.recording.transient('pixel values', [1, 3, 2, 2]);
  const pixels = inputs.tensor([2, 2], words);
  pixelValues({ pixels, values: values.tensor, y }, { top: -1, left: 0 }, 0);
  const wanted = Float64Array.from({ length: 12 }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / 4), Math.floor((i % 4) / 2), i % 2];
    const code = row === 0 ? 0 : ((words[column] ?? 0) >>> (8 * channel)) & 255;
    return values.data[256 * channel + code] ?? NaN;
  });
  return { output: y, wanted };
}

interface Means {
  readonly output: Tensor;
  readonly x: Input;
  readonly forward: (x: ArrayLike<number>) => Float64Array;
}

/** The first of four tokens, and the mean of the last two. */
export function meansOf(inputs: Inputs): Means {
  const x = inputs.floats([2, 4, 3]);
  const output = tokenMeans(x.tensor, { first: 0, count: 1 }, { first: 2, count: 2 });
  const forward = (values: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: 12 }, (_, i) => {
      const [batch, isMean, column] = [Math.floor(i / 6), i % 6 > 2, i % 3];
      const at = (token: number): number => values[12 * batch + 3 * token + column] ?? NaN;
      return isMean ? (at(2) + at(3)) / 2 : at(0);
    });
  return { output, x, forward };
}

function checkMeans(inputs: Inputs): Result {
  const { output, x, forward } = meansOf(inputs);
  return { output, wanted: forward(x.data) };
}

/** Columns with factors of their own, and what is added. */
function checkColumnScale(inputs: Inputs): Result {
  const [x, residual] = [inputs.floats([3, 5]), inputs.floats([3, 5])];
  const factor = inputs.floats([5]);
  const output = columnScale(x.tensor, factor.tensor, { residual: residual.tensor });
  const wanted = Float64Array.from(
    x.data,
    (value, i) => value * (factor.data[i % 5] ?? NaN) + (residual.data[i] ?? NaN),
  );
  return { output, wanted };
}

/** Likenesses of texts and images as logits. */
function checkLogScale(inputs: Inputs): Result {
  const [x, scale, bias] = [inputs.floats([3, 5]), inputs.floats([1]), inputs.floats([1])];
  const output = logScale(x.tensor, scale.tensor, bias.tensor);
  const [factor, added] = [Math.exp(scale.data[0] ?? NaN), bias.data[0] ?? NaN];
  return { output, wanted: Float64Array.from(x.data, (value) => value * factor + added) };
}

export function imageChecks(): NamedCheck[] {
  return [
    ['patches of an image', checkPatches],
    ['perturbations among pixels', (inputs) => checkPixelUnits(inputs, false)],
    ['perturbations between black and white', (inputs) => checkPixelUnits(inputs, true)],
    ['tokens of images', checkTokens],
    ['columns scaled', checkColumnScale],
    ['means of tokens', checkMeans],
    ['likenesses as logits', checkLogScale],
    ['a picture of half its size', checkResize],
    ['a part of a picture, as numbers', checkPixelValues],
  ];
}
