// What encoders of speech are made of: columns side by side, rows that count, layers mixed, weights normed.
import { expect, test } from 'vitest';
import { joinColumns } from '../../../src/shaders/elementwise/join-columns.ts';
import { mixLayers } from '../../../src/shaders/elementwise/layer-mix.ts';
import { maskRows } from '../../../src/shaders/elementwise/mask-rows.ts';
import { weightNorm } from '../../../src/shaders/rows/weight-norm.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';

const [device] = await testGpus(); // all tiers share the kernels

test('columns, rows, layers and weights', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(51);
    const input = (bench: Bench, label: string, ...shape: number[]): Tensor =>
      bench.input(label, shape, random.values(shape.reduce((a, b) => a * b, 1)));
    const { outputs } = await expectOperation(gpu, (bench) => {
      const states = input(bench, 'states', 2, 11, 5);
      const mask = bench.input('mask', [2, 11], random.indices(22, 2));
      const scores = input(bench, 'scores', 3);
      const directions = [input(bench, 'first', 3, 28), input(bench, 'second', 3, 28)] as const;
      const normed = { directions, length: input(bench, 'length', 7) };
      return [
        joinColumns([states, input(bench, 'others', 2, 11, 3), states], 'joined'),
        maskRows(states, mask),
        mixLayers([states, input(bench, 'second', 2, 11, 5), states], scores),
        ...weightNorm(bench.recording, normed),
      ];
    });
    expect(outputs.map(({ length }) => length)).toEqual([2 * 11 * 13, 110, 110, 84, 84]);
  }));
