// Groups of channels over time, folded and normalized: of one channel each, of all, and of some.
import { expect, test } from 'vitest';
import { fold } from '../../../src/shaders/rows/fold.ts';
import { groupNorm } from '../../../src/shaders/rows/group-norm.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

const shapes: readonly (readonly [shape: readonly number[], groups: number])[] = [
  [[2, 7, 5], 5],
  [[3, 131, 6], 1],
  [[1, 300, 12], 4],
  [[1, 20_011, 1], 1],
  [[2, 129, 3], 3],
];

test('sums, largest, squares and products of each group', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(21);
    for (const [shape, groups] of shapes) {
      const count = shape.reduce((a, b) => a * b, 1);
      const values = random.values(count).map((value) => value - 3);
      const { outputs } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', shape, values);
        const other = bench.input('other', shape, random.values(count));
        const sums = fold(x, { kind: 'sum', groups });
        return [
          sums,
          fold(x, { kind: 'largest', groups }),
          fold(x, { kind: 'squares', groups, sums }),
          fold(other, { kind: 'products', groups, other: x, sums }),
        ];
      });
      const [sums, largest] = outputs;
      const of = (group: number): number[] =>
        [...values.keys()]
          .filter((i) => Math.floor(((i % shape[2]!) * groups) / shape[2]!) === group)
          .filter((i) => i < count / shape[0]!)
          .map((i) => values[i]!);
      for (let group = 0; group < groups; group++) {
        const total = of(group).reduce((a, b) => a + b, 0);
        expect(Math.abs(sums![group]! / total - 1)).toBeLessThan(1e-6);
        expect(largest![group]).toBe(Math.max(...of(group)));
      }
    }
  }));

test('groups at zero mean and unit variance, with weights and without', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(22);
    for (const [shape, groups] of shapes) {
      const channels = shape[2]!;
      const values = random.values(shape.reduce((a, b) => a * b, 1)).map((value) => value + 2);
      const { outputs } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', shape, values);
        const weight = bench.input('weight', [channels], random.values(channels));
        const bias = bench.input('bias', [channels], random.values(channels));
        return [
          groupNorm(x, { groups, eps: 1e-5 }),
          groupNorm(x, { groups, affine: { weight, bias }, eps: 1e-5 }),
        ];
      });
      const total = Array.from(outputs[0]!).reduce((a, b) => a + b, 0);
      expect(Math.abs(total / values.length)).toBeLessThan(1e-5);
    }
  }));
