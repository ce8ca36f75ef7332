// The fit of a score: on values whose likelihood is known.
import { expect, test } from 'vitest';
import { fitCalibration } from '../../src/phrases/calibration.ts';
import { Random } from '../support/random.ts';

const score = ({ slope, offset }: { slope: number; offset: number }, x: number): number =>
  1 / (1 + Math.exp(-(slope * x + offset)));

test('eight in a thousand of the inside lie below a half, and the slope is the likeliest', () => {
  const random = new Random(3);
  const inside = Array.from({ length: 1000 }, () => -0.1 + 0.05 * random.normal());
  const outside = Array.from({ length: 400 }, () => -0.4 + 0.1 * random.normal());
  const fitted = fitCalibration(inside, outside);
  expect(inside.filter((x) => score(fitted, x) < 0.5)).toHaveLength(8);
  const likelihood = (slope: number): number => {
    const other = { slope, offset: (fitted.offset / fitted.slope) * slope };
    const mean = (list: readonly number[], of: (x: number) => number): number =>
      list.reduce((sum, x) => sum + Math.log(of(x)), 0) / list.length;
    return mean(inside, (x) => score(other, x)) + mean(outside, (x) => 1 - score(other, x));
  };
  for (const factor of [0.98, 1.02]) {
    expect(likelihood(fitted.slope)).toBeGreaterThan(likelihood(factor * fitted.slope));
  }
  expect(() => fitCalibration([], [1])).toThrow(RangeError);
  expect(() => fitCalibration([1], [])).toThrow(RangeError);
});
