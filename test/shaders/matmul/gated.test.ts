// Gated linear units, on their own and fused with their product, against float64.
import { expect, test } from 'vitest';
import { type Gpu, TransformerError } from 'webgpu-transformer';
import type { Dtype } from '../../../src/runtime/dtype.ts';
import { elements } from '../../../src/runtime/tensor.ts';
import { gated, gatedLinear } from '../../../src/shaders/matmul/gates/gated.ts';
import { type Activation, activationCodes } from '../../../src/shaders/matmul/matmul.ts';
import { expectOperation } from '../../support/check.ts';
import { skinnyOf, testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();
const activations = Object.keys(activationCodes) as Activation[];

interface Case {
  /** Shape of x. */
  readonly x: readonly number[];
  readonly hidden: number;
  readonly activation?: Activation;
  readonly bias?: boolean;
  readonly dtype?: Dtype;
}

/** Checks one gated product on drawn values; returns the kernels that ran, with their rows. */
async function expectGatedLinear(gpu: Gpu, seed: number, given: Case): Promise<string> {
  const { x: shape, hidden, activation = 'silu', bias = false, dtype = 'f32' } = given;
  const random = new Random(seed);
  const depth = shape.at(-1)!;
  const { kernels, outputs } = await expectOperation(
    gpu,
    (bench) => {
      const x = bench.input('x', shape, random.values(elements(shape)));
      const values = random.values(2 * hidden * depth, { scale: 0.3 });
      const weight = bench.weight([2 * hidden, depth], values, dtype);
      const y = gatedLinear(x, weight, {
        activation,
        ...(bias && { bias: bench.input('bias', [2 * hidden], random.values(2 * hidden)) }),
      });
      expect(y.shape).toEqual([...shape.slice(0, -1), hidden]);
      return [y];
    },
    { seed },
  );
  expect(outputs[0]).toHaveLength((elements(shape) / depth) * hidden);
  return kernels
    .map(({ kernel, constants }) => `${kernel.name} ${String(constants['ROWS'] ?? '')}`.trim())
    .join(', ');
}

for (const { name, options } of gpus) {
  test(`gate and value side by side, in both widths, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, activation] of activations.entries()) {
        for (const columns of [1, 7, 8, 68]) {
          const shape = [3, 5, 2 * columns];
          const x = new Random(100 + i).values(elements(shape));
          for (const valueFirst of [false, true]) {
            await expectOperation(gpu, (bench) => [
              gated(bench.input('x', shape, x), activation, { valueFirst }),
            ]);
          }
        }
      }
    }));

  test(`rows and columns past each tile edge, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, rows] of [1, 2, 3, 4, 5, 7, 8, 9, 33].entries()) {
        const [hidden, depth] = [[1, 2, 3, 4, 5, 7, 11][i % 7]!, [1, 4, 5, 31, 64, 131][i % 6]!];
        const [activation, bias] = [activations[i % 5]!, i % 2 === 0];
        await expectGatedLinear(gpu, 200 + i, { x: [rows, depth], hidden, activation, bias });
        await expectGatedLinear(gpu, 220 + i, {
          x: [1, rows, 37],
          hidden: 8 - (i % 5),
          bias: !bias,
        });
      }
    }));

  test(`weights of every format, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const dtype of ['f16', 'bf16', 'f32'] as const) {
        for (const rows of [1, 3, 13]) {
          const given = { x: [rows, 29], hidden: 9, dtype, bias: true };
          await expectGatedLinear(gpu, 300 + rows, { ...given, activation: 'geluTanh' });
        }
      }
    }));
}

test('one kernel where few rows make it the fastest, else two', async () => {
  const reached = new Set<string>();
  let skinny = '';
  for (const { options } of gpus) {
    await withGpu(options, async (gpu) => {
      if (options.tier === 'gpu') skinny = skinnyOf(gpu);
      for (const rows of [1, 2, 4, 8, 9]) {
        reached.add(await expectGatedLinear(gpu, 400, { x: [rows, 6], hidden: 10 }));
      }
      for (const rows of [1, 4]) {
        reached.add(await expectGatedLinear(gpu, 401, { x: [rows, 1028], hidden: 512 }));
      }
      for (const [i, dtype] of (['int4-32-f16', 'f16', 'int8-64-f32'] as const).entries()) {
        const given = { x: [2 + 2 * i, 192], hidden: 20, dtype, bias: i > 0 };
        reached.add(await expectGatedLinear(gpu, 402 + i, given));
      }
    });
  }
  const wanted = [
    'matmul-block 8, gated-fours',
    ...[1, 2, 4].map((rows) => `matmul-register ${rows}`),
    ...[1, 2, 4, 8].map((rows) => `${skinny} ${rows}`),
    'matmul-tile, gated',
    ...[1, 2, 4].map((rows) => `matmul-vectors-invocation ${rows}`),
    ...[1, 2, 4, 8].map((rows) => `matmul-vectors-workgroup ${rows}`),
  ];
  if (gpus.some(({ name }) => name === 'software with subgroups')) {
    wanted.push('matmul-subgroup, gated', 'matmul-subgroup, gated-fours');
    for (const rows of [1, 2, 4]) {
      wanted.push(`matmul-subgroup-skinny ${rows}`);
    }
  }
  if (gpus.some(({ name }) => name === 'software with wide subgroups')) {
    wanted.push('matmul-lanes 8, gated-fours');
  }
  expect([...reached].toSorted()).toEqual(wanted.toSorted());
});

test('a weight that does not fit is refused', () =>
  withGpu({}, async (gpu) => {
    for (const shape of [
      [6, 4],
      [7, 5],
    ]) {
      const error: unknown = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', [2, 5], new Float32Array(10));
        const weight = bench.weight(shape, new Float32Array(elements(shape)));
        return [gatedLinear(x, weight, { activation: 'silu' })];
      }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TransformerError);
      expect(error).toMatchObject({ code: 'TENSOR_MISMATCH' });
    }
  }));
