// The matrix product in every form, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import type { BlockDtype, Dtype } from '../../../src/runtime/dtype.ts';
import { elements, type Tensor } from '../../../src/runtime/tensor.ts';
import { productOfTransposed } from '../../../src/shaders/matmul/matmul-backward.ts';
import { type Activation, activationCodes, matmul } from '../../../src/shaders/matmul/matmul.ts';
import { expectOperation } from '../../support/check.ts';
import { skinnyOf, testGpus, widenSubgroups, withGpu } from '../../support/gpu.ts';
import { elementsOfVector } from '../../../src/shaders/storage.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();
const activations = Object.keys(activationCodes) as Activation[];

/** Every kind of codes, and of what blocks share; that all formats are read: embedding.test.ts. */
const inBlocks: readonly BlockDtype[] = [
  'int4-32-f16',
  'int4-128-f32',
  'int8-64-f16',
  'fp8-128',
  'nf4-64',
  'int8-16-f32',
  'mxfp4-32',
];

interface Case {
  /** Shape of x. */
  readonly x: readonly number[];
  readonly columns: number;
  readonly transposed?: boolean;
  readonly dtype?: Dtype;
  readonly activation?: Activation;
  readonly bias?: boolean;
  readonly residual?: boolean;
  /** One weight for each matrix of x. */
  readonly batched?: boolean;
}

/** Checks one product on drawn values; returns the kernel that ran and its switches. */
async function expectProduct(gpu: Gpu, seed: number, options: Case): Promise<string> {
  const { x: shape, columns, transposed = false, dtype = 'f32', activation = 'none' } = options;
  const random = new Random(seed);
  const depth = shape.at(-1)!;
  const matrix = transposed ? [columns, depth] : [depth, columns];
  const weightShape = options.batched === true ? [...shape.slice(0, -2), ...matrix] : matrix;
  const { kernels } = await expectOperation(
    gpu,
    (bench) => {
      const input = (label: string, size: readonly number[]): Tensor =>
        bench.input(label, size, random.values(elements(size)));
      const x = input('x', shape);
      const values = random.values(elements(weightShape));
      return [
        matmul(x, bench.weight(weightShape, values, dtype), {
          transposed,
          activation,
          ...(options.bias === true && { bias: input('bias', [columns]) }),
          ...(options.residual === true && {
            residual: input('residual', [...shape.slice(0, -1), columns]),
          }),
        }),
      ];
    },
    { seed },
  );
  const { kernel, constants } = kernels[0]!;
  const switches = ['TILE', 'FULL', 'SPLITS', 'ROWS', 'TALL', 'FOURS', 'ONES'].filter(
    (name) => name in constants,
  );
  return [kernel.name, ...switches.map((name) => `${name} ${constants[name]}`)].join(' ');
}

/** Checks products that kernels by fours, and those of blocks, compute. */
async function expectFours(gpu: Gpu): Promise<void> {
  const shapes = [
    [9, 516, 228],
    [130, 68, 132],
    [2, 65, 100, 92],
  ];
  for (const [i, shape] of shapes.entries()) {
    const [x, columns] = [shape.slice(0, -1), shape.at(-1)!];
    const dtypes = ['f32', 'f16', 'bf16'] as const;
    for (const dtype of gpu.tier === 'gpu' ? dtypes.slice(0, 1) : dtypes) {
      const [bias, residual] = [i % 2 === 0, i % 3 === 0];
      const given = { x, columns, dtype, bias, residual, activation: activations[i % 5]! };
      await expectProduct(gpu, 700 + i, { ...given, transposed: true });
      await expectProduct(gpu, 720 + i, { ...given, transposed: false });
    }
  }
  const batched = { x: [3, 70, 68], columns: 76, batched: true, residual: true };
  await expectProduct(gpu, 740, { ...batched, transposed: true });
  await expectProduct(gpu, 741, { ...batched, transposed: false });
}

/** Checks products of which x is stored as columns. */
async function expectColumns(gpu: Gpu): Promise<void> {
  for (const [i, [batches, rows, depth, columns]] of [
    [1, 52, 516, 44],
    [1, 132, 100, 84],
    [3, 68, 76, 72],
    [2, 7, 5, 9],
    [1, 6, 8, 12],
    [1, 70, 300, 76],
    [1, 66, 131, 35],
  ].entries()) {
    const random = new Random(750 + i);
    const [b = 1, height = 1, deep = 1, width = 1] = [batches, rows, depth, columns];
    await expectOperation(
      gpu,
      (bench) => {
        const input = (label: string, shape: readonly number[]): Tensor =>
          bench.input(label, shape, random.values(elements(shape)));
        const y = bench.recording.transient('y', [b, height, width]);
        productOfTransposed({
          x: input('x', [b, deep, height]),
          weight: input('weight', [b, deep, width]),
          y,
          transposed: false,
          batches: b,
          rows: height,
          columns: width,
          depth: deep,
          pitch: width,
          weightStride: b === 1 ? 0 : deep * width,
        });
        return [y];
      },
      { seed: 750 + i },
    );
  }
}

for (const { name, options } of gpus) {
  const isGpu = options.tier === 'gpu';

  test(`rows past each tile edge, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const rows = isGpu ? [1, 2, 3, 5, 8, 9, 33] : [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 33, 65, 130];
      for (const [i, height] of rows.entries()) {
        for (const transposed of [false, true]) {
          const x = [height, [31, 32, 33, 5][i % 4]!];
          await expectProduct(gpu, 100 + i, { x, columns: [7, 33, 65, 9][i % 4]!, transposed });
        }
      }
    }));

  test(`depths past each step, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, depth] of [1, 3, 4, 5, 31, 32, 33, 65, 129].entries()) {
        for (const height of isGpu ? [3] : [3, 11]) {
          const columns = [1, 3, 5, 13, 17][i % 5]!;
          await expectProduct(gpu, 200 + i, { x: [height, depth], columns, transposed: i % 2 > 0 });
          await expectProduct(gpu, 250 + i, { x: [height, depth], columns, transposed: i % 2 < 1 });
        }
      }
      await expectProduct(gpu, 260, { x: [66, 131], columns: 35, transposed: true });
    }));

  test(`activations, bias and residual, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, activation] of activations.entries()) {
        const given = { activation, bias: i % 2 === 0, residual: i % 3 === 0, transposed: i > 1 };
        await expectProduct(gpu, 300 + i, { x: [2, 3, 19], columns: 11, ...given });
        await expectProduct(gpu, 310 + i, { x: [3, 5, 7], columns: 6, ...given, residual: true });
      }
    }));

  test(`activations over their whole range, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const range = [...Array.from({ length: 241 }, (_, i) => (i - 120) / 8), 100, -100, 1e4, -1e4];
      for (const activation of activations) {
        await expectOperation(gpu, (bench) => {
          const x = bench.input('x', [range.length, 1], Float32Array.from(range));
          return [matmul(x, bench.weight([1, 1], Float32Array.of(1)), { activation })];
        });
      }
    }));

  test(`weights in blocks, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, dtype] of inBlocks.entries()) {
        const [height, columns] = [[1, 13, 3][i % 3]!, [12, 7, 32, 9][i % 4]!];
        const x = [height, [128, 64, 36, 33, 160][i % 5]!];
        await expectProduct(gpu, 450 + i, { x, columns, dtype, transposed: i % 4 < 3 });
      }
    }));

  test(`few rows by weights in blocks of every format, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, dtype] of inBlocks.entries()) {
        const height = 1 + ((3 * i) % (isGpu ? 9 : 5));
        const [depth, columns] = [[128, 416, 160][i % 3]!, [8, 40, 24][i % 2]!];
        const given = { bias: i % 2 === 0, residual: i % 3 === 0, activation: activations[i % 5]! };
        const product = { x: [height, depth], columns, dtype, transposed: true, ...given };
        const reached = await expectProduct(gpu, 480 + i, product);
        const isFew = height <= (isGpu ? 8 : 4);
        const hasVectors = isGpu || !gpu.hasQuadSubgroups;
        const isInVectors = isFew && hasVectors && elementsOfVector(dtype) !== undefined;
        const isReached = reached.startsWith('matmul-vectors-');
        expect([dtype, isReached]).toEqual([dtype, isInVectors]);
      }
      const batched = {
        columns: 16,
        batched: true,
        transposed: true,
        dtype: 'int4-32-f16',
      } as const;
      await expectProduct(gpu, 520, { x: [3, 2, 96], ...batched });
    }));

  test(`weights of every format, rows padded to 4, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [primes] = [new Random(400).unlikePrimes(6, 41)];
      for (const dtype of ['f16', 'bf16', 'f32'] as const) {
        for (const [i, depth] of [primes[0]!, 32, primes[1]!].entries()) {
          for (const transposed of [false, true]) {
            const columns = primes[2 + i]!;
            const shapes = isGpu
              ? [[3, depth]]
              : [
                  [3, depth],
                  [13, depth],
                ];
            for (const x of shapes) {
              await expectProduct(gpu, 400 + i, { x, columns, dtype, transposed });
            }
          }
        }
      }
    }));

  test(`a weight for each batch, and one for all, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const transposed of [false, true]) {
        for (const dtype of ['f32', 'f16'] as const) {
          const shared = { columns: 7, transposed, dtype, bias: true, residual: true };
          await expectProduct(gpu, 500, { x: [3, 5, 11], batched: true, ...shared });
          await expectProduct(gpu, 501, { x: [2, 3, 13, 6], batched: true, ...shared });
          await expectProduct(gpu, 502, { x: [3, 5, 11], ...shared });
        }
      }
    }));

  test(`rows and columns in fours, ${name}`, () => withGpu(options, expectFours));

  test(`x stored as columns, ${name}`, () => withGpu(options, expectColumns));
}

test('rows shared by the lanes of wide subgroups, software', () =>
  withGpu({ tier: 'software', features: [] }, async (gpu) => {
    widenSubgroups(gpu);
    await expectFours(gpu);
    await expectColumns(gpu);
  }));

test('a deep product of few tiles is split and joined, gpu', () =>
  withGpu({ tier: 'gpu' }, async (gpu) => {
    const finish = { activation: 'gelu', bias: true, residual: true } as const;
    const cases: Case[] = [
      { x: [9, 1024], columns: 32, transposed: true, ...finish },
      { x: [3, 512], columns: 7, ...finish },
      { x: [3, 5, 512], columns: 12, batched: true, bias: true },
      { x: [17, 4096], columns: 36, dtype: 'f16' },
    ];
    const splits = [];
    for (const [i, one] of cases.entries()) splits.push(await expectProduct(gpu, 800 + i, one));
    expect(splits).toEqual([
      'matmul-tile-fours TILE 32 FULL true SPLITS 4',
      'matmul-tile TILE 32 FULL false SPLITS 2',
      'matmul-tile-fours TILE 32 FULL false SPLITS 2',
      'matmul-tile-fours TILE 32 FULL false SPLITS 16',
    ]);
  }));

test('each device gets the kernel meant for it', async () => {
  const reached = new Set<string>();
  let skinny = '';
  for (const { options } of gpus) {
    await withGpu(options, async (gpu) => {
      if (options.tier === 'gpu') skinny = skinnyOf(gpu);
      const reach = async (x: readonly number[], columns: number, transposed: boolean) => {
        reached.add(await expectProduct(gpu, 600, { x, columns, transposed, activation: 'gelu' }));
      };
      for (const rows of [1, 2, 4, 8, 9]) await reach([rows, 6], 10, true);
      await reach([3, 6], 10, false);
      for (const rows of [9, 130]) await reach([rows, 516], 228, true);
      await reach([8, 517], 228, true);
      if (options.tier === 'gpu') {
        await reach([64 * 8 - 3, 3], 64 * 8 - 1, false);
        await reach([128 * 16 - 5, 1], 128 * 8 - 3, true);
        await reach([33, 32], 64, false);
        await reach([64 * 8 - 4, 32], 64 * 8, true);
        await reach([64 * 8 - 3, 20], 64 * 8 - 4, false);
        await reach([128 * 16 - 4, 16], 128 * 8, true);
      }
    });
  }
  const wanted = [
    'matmul-block ROWS 16',
    'matmul-block ROWS 8',
    'matmul-register ROWS 1',
    'matmul-register ROWS 2',
    'matmul-register ROWS 4',
    ...[1, 2, 4, 8].map((rows) => `${skinny} ROWS ${rows}`),
    'matmul-tile TILE 128 FULL false SPLITS 1',
    'matmul-tile TILE 32 FULL false SPLITS 1',
    'matmul-tile TILE 64 FULL false SPLITS 1',
    'matmul-tile-fours TILE 128 FULL true SPLITS 1',
    'matmul-tile-fours TILE 32 FULL false SPLITS 1',
    'matmul-tile-fours TILE 32 FULL true SPLITS 1',
    'matmul-tile-fours TILE 64 FULL false SPLITS 1',
    'matmul-tile-fours TILE 64 FULL true SPLITS 1',
  ];
  if (gpus.some(({ name }) => name === 'software with subgroups')) {
    wanted.push('matmul-subgroup TALL false FOURS false ONES true');
    wanted.push('matmul-subgroup TALL false FOURS true ONES true');
    wanted.push('matmul-subgroup TALL true FOURS false ONES true');
    wanted.push('matmul-subgroup TALL true FOURS true ONES false');
    wanted.push('matmul-subgroup-skinny ROWS 1');
    wanted.push('matmul-subgroup-skinny ROWS 2');
    wanted.push('matmul-subgroup-skinny ROWS 4');
  }
  if (gpus.some(({ name }) => name === 'software with wide subgroups')) {
    wanted.push('matmul-lanes ROWS 16', 'matmul-lanes ROWS 8');
  }
  expect([...reached].toSorted()).toEqual(wanted.toSorted());
});
