// Positions of patches for images of another size: the grid of vectors is resampled as a picture is, by cubic
// convolution (Keys, 1981, "Cubic Convolution Interpolation for Digital Image Processing"), a = -0.75 as in
// PyTorch; where it is filtered, -0.5.

import { cubic, filteredSamples } from '../../shaders/image/filters.ts';
import type { ImageSize } from '../../shaders/image/patches.ts';

/** What each of `to` samples is of `from` others, row by row; those beyond the ends repeat the last. */
function interpolated(from: number, to: number): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const row = Array<number>(from).fill(0);
    const center = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(center) - 1;
    for (let at = first; at < first + 4; at++) {
      const place = Math.min(Math.max(at, 0), from - 1);
      row[place] = (row[place] ?? 0) + cubic(center - at, -0.75);
    }
    return row;
  });
}

/** The same with a filter as wide as what a sample stands for, and nothing beyond the ends. */
function filtered(from: number, to: number): number[][] {
  return filteredSamples(from, to, 'bicubic').map(({ first, weights }) => {
    const row = Array<number>(from).fill(0);
    for (const [tap, weight] of weights.entries()) row[first + tap] = weight;
    return row;
  });
}

/**
 * A matrix that makes the vectors of a grid from those of another one, both row by row. So many vectors `before` and
 * `behind` them stay as they are. (before + cells of `to` + behind, before + cells of `from` + behind), row-major.
 */
export function stretchedGrid(
  from: ImageSize,
  to: ImageSize,
  isFiltered: boolean,
  [before, behind]: readonly [before: number, behind: number],
): Float32Array<ArrayBuffer> {
  const resampled = isFiltered ? filtered : interpolated;
  const [down, across] = ([0, 1] as const).map((axis) => resampled(from[axis], to[axis]));
  const columns = before + from[0] * from[1] + behind;
  const rows = before + to[0] * to[1] + behind;
  const matrix = new Float32Array(rows * columns);
  for (let i = 0; i < before; i++) matrix[i * columns + i] = 1;
  for (let i = 1; i <= behind; i++) matrix[(rows - i) * columns + columns - i] = 1;
  let row = before;
  for (const vertical of down ?? []) {
    for (const horizontal of across ?? []) {
      for (const [y, weight] of vertical.entries()) {
        if (weight === 0) continue;
        for (const [x, other] of horizontal.entries()) {
          matrix[row * columns + before + y * from[1] + x] = weight * other;
        }
      }
      row++;
    }
  }
  return matrix;
}
