// Samples at other rates: up, down, by odd ratios and by whole ones.
import { expect, test } from 'vitest';
import { sincFilter, sincLength, sincResample } from '../../../src/shaders/audio/sinc-resample.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

test('samples between others, up and down', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(31);
    for (const [from, to, count] of [
      [44_100, 16_000, 501],
      [8000, 16_000, 130],
      [16_000, 11_025, 77],
      [3, 7, 1],
    ] as const) {
      const filter = sincFilter(from, to);
      const { up, taps, starts, weights } = filter;
      const length = sincLength(filter, count);
      const { outputs } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', [length], random.values(length));
        const tensors = {
          starts: bench.input('starts', [up], starts),
          weights: bench.input('weights', [up, taps], weights),
        };
        return [sincResample(x, tensors, filter, count)];
      });
      expect(outputs[0]).toHaveLength(count);
    }
  }));

test('the weights of a sample let a level pass, and reach no further than the margin', () => {
  for (const [from, to] of [
    [48_000, 16_000],
    [8000, 16_000],
    [44_100, 16_000],
    [15_999, 16_000],
  ] as const) {
    const filter = sincFilter(from, to);
    const { up, down, margin, taps, starts, weights } = filter;
    expect([down * to, up * from]).toEqual([up * from, down * to]);
    for (let phase = 0; phase < up; phase++) {
      const own = weights.subarray(phase * taps, (phase + 1) * taps);
      const level = own.reduce((a, b) => a + b, 0);
      expect(Math.abs(level - 1)).toBeLessThan(0.02);
      const center = (phase * down) / up + margin;
      expect(starts[phase]!).toBeGreaterThanOrEqual(0);
      expect(Math.abs(starts[phase]! + (taps - 1) / 2 - center)).toBeLessThan(1.01);
      const last = starts[phase]! + taps;
      expect(last).toBeLessThanOrEqual(sincLength(filter, up));
    }
  }
});
