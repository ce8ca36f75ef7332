// Signals cut into windows: that overlap, that leave steps out, beyond the ends of the signal.
import { expect, test } from 'vitest';
import { windowCount, windows, type WindowOptions } from '../../../src/shaders/audio/windows.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

const cases: readonly (readonly [
  shape: readonly number[],
  options: WindowOptions,
  count: number,
])[] = [
  [[2, 5, 13], { size: 3, stride: 1, padding: 1 }, 13],
  [[2, 13, 5], { size: 3, stride: 2, padding: 1, channelsLast: true }, 7],
  [[3, 1, 71], { size: 10, stride: 5, padding: 0 }, 13],
  [[1, 3, 7], { size: 2, stride: 4, padding: 0 }, 2],
  [[1, 2, 3], { size: 7, stride: 1, padding: 4 }, 5],
  [
    [2, 11, 6],
    { size: 4, stride: 1, padding: 2, channelsLast: true, channels: { first: 2, count: 3 } },
    12,
  ],
  [[2, 6, 11], { size: 4, stride: 1, padding: 2, channels: { first: 4, count: 2 }, count: 11 }, 11],
  [[1, 2, 5], { size: 3, stride: 2, padding: 0, count: 4 }, 4],
];

test('windows of every kind', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(7);
    for (const [shape, options, count] of cases) {
      const values = random.values(shape.reduce((a, b) => a * b, 1));
      const { outputs } = await expectOperation(gpu, (bench) => [
        windows(bench.input('x', shape, values), options),
      ]);
      const channels = options.channels?.count ?? shape[options.channelsLast ? 2 : 1]!;
      expect(outputs[0]).toHaveLength(shape[0]! * count * channels * options.size);
    }
  }));

test('as many windows as fit, and no less than one', () =>
  withGpu(device!.options, async (gpu) => {
    expect(windowCount(3000, { size: 3, stride: 2, padding: 1 })).toBe(1500);
    expect(windowCount(9, { size: 10, stride: 5, padding: 0 })).toBe(0);
    const values = new Float32Array(18);
    const cut = (options: WindowOptions): Promise<unknown> =>
      expectOperation(gpu, (bench) => [windows(bench.input('x', [1, 2, 9], values), options)]);
    await expect(cut({ size: 10, stride: 5, padding: 0 })).rejects.toThrow('0 of 10 steps');
    const channels = { first: 1, count: 2 };
    await expect(cut({ size: 3, stride: 1, padding: 0, channels })).rejects.toThrow(
      '2 channels from 1',
    );
  }));
