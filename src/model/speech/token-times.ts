// When tokens were spoken, by where the heads look that follow the sound: their attention is made even, smoothed, and the
// way of least cost taken through it from the first token and step to the last ones ("dynamic time warping", Sakoe and
// Chiba, 1978).

import type { DenseTensor } from '../inputs/inputs.ts';
import { stampSeconds } from './segments.ts';

export interface Alignment {
  /** Of each layer, the weights of cross-attention (1, h, T, S) of one sequence. */
  readonly attentions: readonly DenseTensor[];
  readonly heads: readonly (readonly [layer: number, head: number])[];
  /** Tokens of the prompt, which are left out, and steps of the sound. */
  readonly prompt: number;
  readonly steps: number;
  /** Steps of the median. */
  readonly width: number;
}

/** Seconds of each token behind the prompt that was fed, from the beginning of the window. */
export function tokenTimes({ attentions, heads, prompt, steps, width }: Alignment): number[] {
  const rows = (attentions[0]?.shape.at(-2) ?? 0) - prompt;
  if (rows <= 0) return [];
  const columns = Math.min(steps, attentions[0]?.shape.at(-1) ?? 0);
  // Hugging Face has the step before the first where there is none.
  if (columns === 0) return Array<number>(rows).fill(-stampSeconds);
  const mean = new Float64Array(rows * columns);
  for (const [layer, head] of heads) {
    const weights = attentions[layer];
    if (weights === undefined) throw new RangeError(`no attention of layer ${layer}`);
    const [, , tokens = 0, width0 = 0] = weights.shape;
    const first = (head * tokens + prompt) * width0;
    const own = Float64Array.from({ length: rows * columns }, (_, i) => {
      return weights.data[first + Math.floor(i / columns) * width0 + (i % columns)] ?? 0;
    });
    standardize(own, columns);
    smooth(own, columns, width).forEach((value, i) => {
      mean[i] = (mean[i] ?? 0) + value / heads.length;
    });
  }
  return jumps(mean, rows, columns).map((step) => step * stampSeconds);
}

/**
 * Steps of a window that are looked at, of `all`, where so many frames are left of its sound: some may be less than none,
 * of windows that begin behind it. Those are taken off the end, as Hugging Face does, twice where all windows are alike.
 */
export function stepsLeft(frames: number, all: number, areAlike: boolean): number {
  const steps = Math.floor(frames / 2);
  if (steps >= 0) return Math.min(steps, all);
  return Math.max(0, all + (areAlike ? 2 : 1) * steps);
}

/** Each column less its mean, over its standard deviation. */
function standardize(matrix: Float64Array, columns: number): void {
  const rows = matrix.length / columns;
  for (let column = 0; column < columns; column++) {
    let [sum, squares] = [0, 0];
    for (let i = column; i < matrix.length; i += columns) sum += matrix[i] ?? 0;
    const mean = sum / rows;
    for (let i = column; i < matrix.length; i += columns) squares += ((matrix[i] ?? 0) - mean) ** 2;
    const deviation = Math.sqrt(squares / rows);
    for (let i = column; i < matrix.length; i += columns) {
      matrix[i] = ((matrix[i] ?? 0) - mean) / deviation;
    }
  }
}

/** The median of so many neighbours along each row, which is mirrored at its ends. */
function smooth(matrix: Float64Array, columns: number, width: number): Float64Array {
  const reach = Math.floor(width / 2);
  if (columns <= reach) return matrix;
  return matrix.map((_, i) => {
    const [start, column] = [i - (i % columns), i % columns];
    const around = Array.from({ length: width }, (_own, n) => {
      const at = Math.abs(column + n - reach);
      return matrix[start + (at < columns ? at : 2 * (columns - 1) - at)] ?? 0;
    });
    return around.toSorted((a, b) => a - b)[reach] ?? 0;
  });
}

/** The step at which the best way comes to each row. */
function jumps(matrix: Float64Array, rows: number, columns: number): number[] {
  const pitch = columns + 1;
  const cost = new Float32Array((rows + 1) * pitch).fill(Infinity);
  // Where a way comes from: both, the row before, the column before.
  const from = new Uint8Array(cost.length);
  cost[0] = 0;
  for (let j = 1; j <= columns; j++) {
    for (let i = 1; i <= rows; i++) {
      const at = i * pitch + j;
      const both = cost[at - pitch - 1] ?? Infinity;
      const row = cost[at - pitch] ?? Infinity;
      const column = cost[at - 1] ?? Infinity;
      const way = both < row && both < column ? 0 : row < both && row < column ? 1 : 2;
      from[at] = way;
      cost[at] =
        (way === 0 ? both : way === 1 ? row : column) - (matrix[(i - 1) * columns + j - 1] ?? 0);
    }
  }
  const found = Array<number>(rows).fill(0);
  let [i, j] = [rows, columns];
  while (i > 0 || j > 0) {
    if (i > 0) found[i - 1] = Math.max(0, j - 1);
    const way = i === 0 ? 2 : j === 0 ? 1 : from[i * pitch + j];
    if (way !== 2) i--;
    if (way !== 1) j--;
  }
  return found;
}
