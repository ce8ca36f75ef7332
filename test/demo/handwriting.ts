// Digits as a hand would draw them with a mouse: a few corners each, in a box from 0 to 1.

import type { Point, Stroke } from '../../demo/digits/place.ts';

const digits: readonly string[] = [
  '50,18 36,24 28,42 29,62 38,78 52,82 66,74 72,55 69,34 60,21 50,18',
  '42,30 54,18 53,40 52,62 51,84',
  '30,32 36,21 50,17 63,23 65,37 57,51 42,67 30,81 48,79 70,81',
  '32,22 48,17 62,24 62,37 50,46 64,53 68,67 58,80 42,82 30,75',
  '58,18 46,38 30,60 52,60 74,59 / 60,38 58,62 57,85',
  '66,19 38,20 34,46 50,42 65,50 67,66 56,79 40,81 30,74',
  '60,17 46,30 35,50 33,68 42,81 57,81 66,70 60,57 46,55 36,66',
  '28,22 50,21 70,20 60,40 50,60 43,83',
  '62,26 50,18 38,26 42,40 56,50 66,64 60,79 46,82 34,74 38,58 54,45 63,36 62,26',
  '64,32 54,20 40,24 36,38 46,48 60,43 64,32 62,54 57,84',
];

/** The strokes of a digit. */
export function strokesOf(digit: number): Stroke[] {
  return digits[digit]!.split(' / ').map((stroke) =>
    stroke.split(' ').map((pair): Point => {
      const [x = 0, y = 0] = pair.split(',').map(Number);
      return { x: x / 100, y: y / 100 };
    }),
  );
}
