// The kernels that gradients are made of, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../src/runtime/gradient.ts';
import type { Tensor } from '../../src/runtime/tensor.ts';
import { activate } from '../../src/shaders/matmul/gates/activate.ts';
import { crossEntropy } from '../../src/shaders/loss/cross-entropy.ts';
import { ignoredLabel } from '../../src/shaders/loss/ignored-label.ts';
import { columnSum } from '../../src/shaders/matmul/columns/column-sum.ts';
import { add } from '../../src/shaders/elementwise/add.ts';
import { gradientRules } from '../../src/shaders/gradients.ts';
import { transpose } from '../../src/shaders/matmul/columns/transpose.ts';
import { embedding } from '../../src/shaders/embedding/embedding.ts';
import { gated } from '../../src/shaders/matmul/gates/gated.ts';
import { activationCodes } from '../../src/shaders/matmul/matmul.ts';
import type { Values } from '../reference/twin.ts';
import { type Bench, expectOperation } from '../support/check.ts';
import { rowFormOf, testGpus, withGpu } from '../support/gpu.ts';
import { Random, type ValueOptions } from '../support/random.ts';
import { normalize } from '../../src/shaders/rows/norm.ts';

const gpus = await testGpus();

/** Checks what `build` records while training; returns its tensors and the kernels that ran. */
async function expectTraining(
  gpu: Gpu,
  seed: number,
  build: (bench: Bench, random: Random) => readonly Tensor[],
): Promise<{ outputs: Values[]; kernels: string[] }> {
  const random = new Random(seed);
  const options = { seed, training: true };
  const { outputs, kernels } = await expectOperation(gpu, (bench) => build(bench, random), options);
  return { outputs, kernels: kernels.map(({ kernel }) => kernel.name) };
}

/** An input of drawn values. */
function drawn(
  bench: Bench,
  random: Random,
  label: string,
  shape: readonly number[],
  values?: ValueOptions,
): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return bench.input(label, shape, random.values(count, values));
}

/** Gradients of `wanted` for a drawn gradient of `output`. */
function backwards(
  bench: Bench,
  random: Random,
  output: Tensor,
  wanted: readonly Tensor[],
): Tensor[] {
  const dy = drawn(bench, random, 'dy', output.shape);
  return [...gradients(bench.recording, new Map([[output, dy]]), wanted, gradientRules).values()];
}

/** Rows of every length, past the edges of lanes and workgroups. */
const shapes = [
  [1, 1],
  [3, 2],
  [15, 3],
  [17, 5],
  [2, 63],
  [16, 64],
  [7, 65],
  [3, 1031],
  [17, 4],
  [5, 1028],
] as const;

for (const { name, options } of gpus) {
  test(`activations and their slopes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const activation of Object.keys(activationCodes) as (keyof typeof activationCodes)[]) {
        for (const [i, size] of [1, 63, 64, 65, 1000].entries()) {
          await expectTraining(gpu, 100 + i, (bench, random) => {
            const x = drawn(bench, random, 'x', [size], { scale: 2 });
            return backwards(bench, random, activate(x, activation), [x]);
          });
        }
        // Far from 0 an activation is 0 or x, and its slope 0 or 1; or it is flat.
        const far = Float32Array.from([-1e4, -60, -12, -0, 0, 12, 60, 1e4]);
        const { outputs } = await expectTraining(gpu, 110, (bench) => {
          const x = bench.input('x', [8], far);
          const dy = bench.input('dy', [8], new Float32Array(8).fill(1));
          const y = activate(x, activation);
          const seeds = new Map([[y, dy]]);
          return [y, ...gradients(bench.recording, seeds, [x], gradientRules).values()];
        });
        const [y, slopes] = outputs.map((values) => [...values]) as [number[], number[]];
        const flat = activation === 'tanh' || activation === 'sigmoid';
        expect(y[7]).toBe(flat ? 1 : 1e4);
        for (const place of [6, 7]) expect(slopes[place]).toBeCloseTo(flat ? 0 : 1, 20);
        const left = { none: [-1e4, 1], tanh: [-1, 0] }[activation as string] ?? [-0, 0];
        expect(y[0]).toBeCloseTo(left[0]!, 20);
        expect(slopes[0]).toBeCloseTo(left[1]!, 20);
      }
    }));

  test(`sums of two tensors, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, shape] of [[1], [3, 21], [4, 16], [65], [7, 11, 13]].entries()) {
        const { outputs } = await expectTraining(gpu, 200 + i, (bench, random) => {
          const [a, b] = [drawn(bench, random, 'a', shape), drawn(bench, random, 'b', shape)];
          const y = add(a, b);
          return [y, ...backwards(bench, random, y, [a, b])];
        });
        expect(outputs[1]).toEqual(outputs[2]);
      }
    }));

  test(`transposes of one and of many matrices, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [batches, rows, columns]] of (
        [
          [1, 1, 1],
          [1, 1, 67],
          [1, 64, 1],
          [1, 31, 17],
          [3, 5, 7],
          [5, 33, 2],
        ] as const
      ).entries()) {
        await expectTraining(gpu, 300 + i, (bench, random) => {
          const x = drawn(bench, random, 'x', [batches, rows, columns]);
          const y = transpose(x, { batches, rows, columns });
          return [y, transpose(y, { batches, rows: columns, columns: rows })];
        });
      }
      const { outputs } = await expectTraining(gpu, 310, (bench) => {
        const x = bench.input(
          'x',
          [2, 2, 3],
          Float32Array.from({ length: 12 }, (_, i) => i),
        );
        return [transpose(x, { batches: 2, rows: 2, columns: 3 })];
      });
      expect([...outputs[0]!]).toEqual([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    }));

  test(`sums of columns, in one stage and in two, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, rows] of [1, 2, 63, 64, 65, 128, 129, 4200].entries()) {
        for (const columns of rows === 4200 ? [3, 4] : [1, 3, 65, 132]) {
          const { outputs, kernels } = await expectTraining(gpu, 400 + i, (bench, random) => [
            columnSum(drawn(bench, random, 'x', [rows, columns]), 'sums'),
          ]);
          expect(outputs[0]!.length).toBe(columns);
          expect(kernels.length).toBe(rows > 64 ? 2 : 1);
        }
      }
      const { outputs } = await expectTraining(gpu, 410, (bench) => [
        columnSum(bench.input('x', [130, 2], new Float32Array(260).fill(1)), 'sums'),
      ]);
      expect([...outputs[0]!]).toEqual([130, 130]);
    }));

  test(`layer norm, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const check = (
        seed: number,
        shape: readonly [number, number],
        values: ValueOptions,
        hasResidual: boolean,
      ) =>
        expectTraining(gpu, seed, (bench, random) => {
          const x = drawn(bench, random, 'x', shape, values);
          const residual = hasResidual && { residual: drawn(bench, random, 'residual', shape) };
          const weight = drawn(bench, random, 'weight', [shape[1]]);
          const bias = drawn(bench, random, 'bias', [shape[1]]);
          const y = normalize(x, { weight, bias, eps: 1e-5 }, residual || {});
          return backwards(bench, random, y, [x, weight, bias]);
        });
      for (const [i, shape] of shapes.entries()) await check(500 + i, shape, {}, i % 2 === 1);
      await check(520, [130, 9], {}, true);
      await check(521, [5, 64], { mean: 1000, scale: 0.05, outliers: 0 }, false);
      await check(522, [5, 37], { scale: 1e-3, outliers: 0 }, false);
      await check(523, [3, 19], { mean: 2, scale: 0 }, false);
      const { kernels } = await check(524, [3, 5], {}, false);
      const form = rowFormOf(gpu);
      expect(kernels).toContain(`layer-norm-backward-${form}`);
    }));

  test(`RMS norm, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const check = (
        seed: number,
        shape: readonly [number, number],
        values: ValueOptions,
        more: { readonly offset?: number; readonly hasResidual?: boolean } = {},
      ) =>
        expectTraining(gpu, seed, (bench, random) => {
          const { offset = 0, hasResidual = false } = more;
          const x = drawn(bench, random, 'x', shape, values);
          const residual = hasResidual ? drawn(bench, random, 'residual', shape) : undefined;
          const weight = drawn(bench, random, 'weight', [shape[1]]);
          const y = normalize(x, { weight, eps: 1e-5, offset }, { residual });
          return backwards(bench, random, y, [x, weight]);
        });
      for (const [i, shape] of shapes.entries()) {
        await check(540 + i, shape, {}, { hasResidual: i % 2 === 1, offset: i % 3 });
      }
      await check(560, [5, 64], { mean: 1000, scale: 0.05, outliers: 0 });
      await check(561, [5, 37], { scale: 1e-3, outliers: 0 });
      const { kernels } = await check(562, [3, 5], {});
      const form = rowFormOf(gpu);
      expect(kernels).toContain(`rms-norm-backward-${form}`);
    }));

  test(`gated linear units, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const activation of Object.keys(activationCodes) as (keyof typeof activationCodes)[]) {
        for (const [i, columns] of [1, 7, 8, 260].entries()) {
          await expectTraining(gpu, 580 + i, (bench, random) => {
            const x = drawn(bench, random, 'x', [3, 5, 2 * columns], { scale: 2 });
            const y = gated(x, activation, { valueFirst: i % 2 === 1 });
            return backwards(bench, random, y, [x]);
          });
        }
      }
    }));

  test(`embedding, with words that occur often, once and never, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, columns] of [1, 3, 8, 65].entries()) {
        const scale = [1, 0.37, 8, 2][i]!;
        await expectTraining(gpu, 600 + i, (bench, random) => {
          const ids = bench.input('ids', [3, 7], random.indices(21, [2, 13, 29, 61][i]!));
          const table = drawn(bench, random, 'table', [61, columns]);
          return backwards(bench, random, embedding(ids, table, { scale }), [table]);
        });
      }
      const { outputs } = await expectTraining(gpu, 610, (bench) => {
        const ids = bench.input('ids', [3], Uint32Array.from([2, 0, 2]));
        const table = bench.input('table', [4, 1], new Float32Array(4));
        const y = embedding(ids, table, { scale: 10 });
        const dy = bench.input('dy', [3, 1], Float32Array.from([1, 2, 3]));
        return [...gradients(bench.recording, new Map([[y, dy]]), [table], gradientRules).values()];
      });
      expect([...outputs[0]!]).toEqual([20, 0, 40, 0]);
      // Rows that do not train, counted from the end, too.
      for (const [padding, wanted] of [
        [2, [2, 0, 0, 0]],
        [-4, [0, 0, 4, 0]],
      ] as const) {
        const found = await expectTraining(gpu, 611, (bench) => {
          const ids = bench.input('ids', [3], Uint32Array.from([2, 0, 2]));
          const table = bench.input('table', [4, 1], new Float32Array(4));
          const y = embedding(ids, table, { padding });
          const dy = bench.input('dy', [3, 1], Float32Array.from([1, 2, 3]));
          const seeds = new Map([[y, dy]]);
          return [...gradients(bench.recording, seeds, [table], gradientRules).values()];
        });
        expect([...found.outputs[0]!]).toEqual(wanted);
      }
    }));

  test(`cross entropy with label smoothing and ignored rows, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of shapes.entries()) {
        const smoothing = [0, 0.1, 0.5, 1][i % 4]!;
        const values = { scale: i % 3 === 2 ? 10 : 1 };
        const { outputs } = await expectTraining(gpu, 700 + i, (bench, random) => {
          const x = drawn(bench, random, 'x', [rows, columns], values);
          const labels = random.indices(rows, columns);
          labels.forEach((_, row) => row % 3 === 1 && (labels[row] = ignoredLabel));
          const loss = crossEntropy(x, bench.input('labels', [rows], labels), smoothing);
          return [loss, ...backwards(bench, random, loss, [x])];
        });
        const [loss, dx] = outputs as [Values, Values];
        loss.forEach((value, row) => {
          const own = dx.subarray(row * columns, (row + 1) * columns);
          if (row % 3 === 1) expect([value, ...own].every((part) => part === 0)).toBe(true);
        });
      }
      // A uniform row: the loss is log 4 whatever the smoothing, the slopes 1/4 - target.
      const { outputs } = await expectTraining(gpu, 710, (bench) => {
        const x = bench.input('x', [1, 4], new Float32Array(4).fill(7));
        const loss = crossEntropy(x, bench.input('labels', [1], Uint32Array.of(2)), 0.2);
        const dloss = bench.input('dloss', [1], Float32Array.of(1));
        return [
          loss,
          ...gradients(bench.recording, new Map([[loss, dloss]]), [x], gradientRules).values(),
        ];
      });
      expect(outputs[0]![0]).toBeCloseTo(Math.log(4), 6);
      [0.2, 0.2, -0.6, 0.2].forEach((slope, j) => expect(outputs[1]![j]).toBeCloseTo(slope, 6));
    }));
}
