// Pictures of digits drawn anew, as another hand might have: turned, slanted, stretched, shifted, bent, in a thicker or
// thinner pen. Elastic distortions are those of Simard, Steinkraus and Platt (2003), on a coarse grid.

import type { Random } from '../../src/model/random.ts';
import { pixelsOf, side } from './digits.ts';

const center = (side - 1) / 2;
/** Points of the grid that bends a picture, along a side. */
const gridSide = 5;
/** Standard deviation of their places, in pixels. */
const bend = 0.6;

/** A picture of 28 × 28 bytes as a distorted one, from 0, paper, to 1, ink. */
export function distort(picture: Uint8Array, random: Random): Float32Array<ArrayBuffer> {
  return redraw(bent(picture, random), random);
}

/** A number between two others. */
function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

/** Each pixel from where an affine map and the grid lead, read between four pixels. */
function bent(picture: Uint8Array, random: Random): Float32Array<ArrayBuffer> {
  const angle = between(random, -0.18, 0.18);
  const slant = between(random, -0.18, 0.18);
  const [width, height] = [between(random, 0.88, 1.12), between(random, 0.88, 1.12)];
  const [right, down] = [between(random, -1.5, 1.5), between(random, -1.5, 1.5)];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const across = grid(random);
  const along = grid(random);
  const result = new Float32Array(pixelsOf);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [x - center - right, y - center - down];
      const turned = [cos * dx + sin * dy, cos * dy - sin * dx] as const;
      const fromX = center + (turned[0] + slant * turned[1]) / width + bendAt(across, x, y);
      const fromY = center + turned[1] / height + bendAt(along, x, y);
      result[y * side + x] = sample(picture, fromX, fromY) / 255;
    }
  }
  return result;
}

function grid(random: Random): Float32Array {
  return new Float32Array(gridSide * gridSide).map(() => bend * random.normal());
}

/** The grid's displacement at a pixel, between its four nearest points. */
function bendAt(points: Float32Array, x: number, y: number): number {
  const step = (gridSide - 1) / (side - 1);
  return bilinear(points, gridSide, x * step, y * step);
}

/** Outside of the picture is paper. */
function sample(picture: Uint8Array, x: number, y: number): number {
  if (x < 0 || y < 0 || x > side - 1 || y > side - 1) return 0;
  return bilinear(picture, side, x, y);
}

function bilinear(values: ArrayLike<number>, width: number, x: number, y: number): number {
  const [left, top] = [Math.min(Math.floor(x), width - 2), Math.min(Math.floor(y), width - 2)];
  const [u, v] = [x - left, y - top];
  const at = top * width + left;
  const above = (values[at] ?? 0) * (1 - u) + (values[at + 1] ?? 0) * u;
  const below = (values[at + width] ?? 0) * (1 - u) + (values[at + width + 1] ?? 0) * u;
  return above * (1 - v) + below * v;
}

/** One picture in three in a thicker pen, one in three in a thinner one, by up to a pixel. */
function redraw(picture: Float32Array<ArrayBuffer>, random: Random): Float32Array<ArrayBuffer> {
  const kind = random.integer(0, 2);
  const part = random.next();
  if (kind === 0) return picture;
  const pick = kind === 1 ? Math.max : Math.min;
  const strength = kind === 1 ? part : 0.7 * part;
  return picture.map((own, at) => {
    const x = at % side;
    const left = x > 0 ? (picture[at - 1] ?? 0) : 0;
    const right = x < side - 1 ? (picture[at + 1] ?? 0) : 0;
    const other = pick(own, left, right, picture[at - side] ?? 0, picture[at + side] ?? 0);
    return own + strength * (other - own);
  });
}
