// What a person draws, as MNIST has its digits: fitted into 20 × 20 pixels, with the center of mass in the middle of
// 28 × 28 (LeCun, Cortes and Burges, "The MNIST database of handwritten digits").

import { pixelsOf, side } from './digits.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The points of a pen that went down and up again, in any unit. */
export type Stroke = readonly Point[];

/** A picture of 28 × 28 values from 0, paper, to 1, ink. */
export type Picture = Float32Array<ArrayBuffer>;

/** Gray values of any scale, (height, width). */
export interface Gray {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Side of the box that the ink is fitted into. */
const box = 20;
/** The pixel, from 0, that the center of mass falls on: that of MNIST's digits, on the mean. */
const middle = 14;
/** Width of the pen in pixels: that of MNIST's ones, in the middle of all. */
const pen = 2.8;

/**
 * Strokes drawn with a pen of MNIST's width. `least` is the extent in the strokes' unit below which they are no longer
 * made larger: a dot stays one.
 */
export function pictureOfStrokes(strokes: readonly Stroke[], least: number): Picture {
  const points = strokes.flat();
  if (points.length === 0) return new Float32Array(pixelsOf);
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const scale = (box - pen) / Math.max(right - left, bottom - top, least);
  const fitted = (shift: Point): Stroke[] =>
    strokes.map((stroke) =>
      stroke.map(({ x, y }) => ({
        x: middle + shift.x + scale * (x - (left + right) / 2),
        y: middle + shift.y + scale * (y - (top + bottom) / 2),
      })),
    );
  const mass = centerOfMass(drawn(fitted({ x: 0, y: 0 })));
  return drawn(fitted({ x: middle - mass.x, y: middle - mass.y }));
}

/** The ink of each pixel by the distance of its center from the strokes. */
function drawn(strokes: readonly Stroke[]): Picture {
  const picture = new Float32Array(pixelsOf);
  for (const stroke of strokes) {
    for (const [i, to] of stroke.entries()) {
      // A stroke of one point is a dot.
      const from = stroke[i - 1] ?? to;
      if (i > 0 || stroke.length === 1) drawLine(picture, from, to);
    }
  }
  return picture;
}

function drawLine(picture: Picture, from: Point, to: Point): void {
  const reach = pen / 2 + 0.5;
  const first = (a: number, b: number): number => Math.max(0, Math.ceil(Math.min(a, b) - reach));
  const last = (a: number, b: number): number =>
    Math.min(side - 1, Math.floor(Math.max(a, b) + reach));
  for (let y = first(from.y, to.y); y <= last(from.y, to.y); y++) {
    for (let x = first(from.x, to.x); x <= last(from.x, to.x); x++) {
      const ink = Math.min(1, reach - distance({ x, y }, from, to));
      const at = y * side + x;
      picture[at] = Math.max(picture[at] ?? 0, ink);
    }
  }
}

/** From a point to a line between two others. */
function distance({ x, y }: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / length;
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(x - from.x - part * dx, y - from.y - part * dy);
}

function centerOfMass(picture: Picture): Point {
  let [mass, x, y] = [0, 0, 0];
  for (const [at, ink] of picture.entries()) {
    mass += ink;
    x += ink * (at % side);
    y += ink * Math.floor(at / side);
  }
  return mass === 0 ? { x: middle, y: middle } : { x: x / mass, y: y / mass };
}

/** A photograph or scan of one digit, dark on light or light on dark. Without any contrast it is blank. */
export function pictureOfGray(gray: Gray): Picture {
  const ink = inkOf(gray);
  const { left, top, width, height } = inkBox(ink);
  if (width === 0 || height === 0) return new Float32Array(pixelsOf);
  const scale = Math.max(width, height) / box;
  const fit = (shift: Point): Picture => {
    const picture = new Float32Array(pixelsOf);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const fromX = left + width / 2 + (x - shift.x - middle) * scale;
        const fromY = top + height / 2 + (y - shift.y - middle) * scale;
        picture[y * side + x] = meanAround(ink, fromX, fromY, Math.max(scale, 1) / 2);
      }
    }
    return picture;
  };
  const mass = centerOfMass(fit({ x: 0, y: 0 }));
  return fit({ x: Math.round(middle - mass.x), y: Math.round(middle - mass.y) });
}

/**
 * Ink from 0 to 1: the mean of paper is 0, that of ink 1. What divides them is Otsu's threshold ("A threshold selection
 * method from gray-level histograms", 1979); the edge of the picture is paper.
 */
function inkOf({ data, width, height }: Gray): Gray {
  const edge: number[] = [];
  for (const [at, value] of data.entries()) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) edge.push(value);
  }
  const { low, high } = twoMeans(data);
  const paperIsHigh = edge.filter((value) => value > (low + high) / 2).length > edge.length / 2;
  const [paper, ink] = paperIsHigh ? [high, low] : [low, high];
  if (paper === ink) return { data: new Float32Array(data.length), width, height };
  const part = (value: number): number => (value - paper) / (ink - paper);
  return { data: data.map((value) => Math.min(1, Math.max(0, part(value)))), width, height };
}

/** The means of the values below and above the threshold that leaves most variance between them. */
function twoMeans(data: Float32Array): { low: number; high: number } {
  const [least, most] = data.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Infinity, -Infinity],
  );
  const bins = 64;
  const [counts, sums] = [new Float64Array(bins), new Float64Array(bins)];
  for (const value of data) {
    const bin = Math.min(bins - 1, Math.floor((bins * (value - least)) / (most - least || 1)));
    counts[bin] = (counts[bin] ?? 0) + 1;
    sums[bin] = (sums[bin] ?? 0) + value;
  }
  const total = sums.reduce((sum, value) => sum + value, 0);
  let [count, sum, best] = [0, 0, 0];
  let means = { low: least, high: least };
  for (let bin = 0; bin < bins - 1; bin++) {
    count += counts[bin] ?? 0;
    sum += sums[bin] ?? 0;
    const rest = data.length - count;
    if (count === 0 || rest === 0) continue;
    const [low, high] = [sum / count, (total - sum) / rest];
    const between = count * rest * (high - low) ** 2;
    if (between > best) [best, means] = [between, { low, high }];
  }
  return means;
}

/** The smallest box around all that is rather ink than paper. */
function inkBox({ data, width, height }: Gray): {
  left: number;
  top: number;
  width: number;
  height: number;
} {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (const [at, ink] of data.entries()) {
    if (ink < 0.5) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return { left, top, width: Math.max(0, right + 1 - left), height: Math.max(0, bottom + 1 - top) };
}

/** The mean of the pixels whose centers are within `reach` of a place; outside of the picture is paper. */
function meanAround({ data, width, height }: Gray, x: number, y: number, reach: number): number {
  let [sum, count] = [0, 0];
  for (let row = Math.ceil(y - reach - 0.5); row + 0.5 < y + reach; row++) {
    for (let column = Math.ceil(x - reach - 0.5); column + 0.5 < x + reach; column++) {
      count += 1;
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      if (isInside) sum += data[row * width + column] ?? 0;
    }
  }
  return count === 0 ? 0 : sum / count;
}
