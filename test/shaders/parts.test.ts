// Operations on tensors in parts: against float64, dispatch by dispatch, and against the same on whole
// tensors.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../src/runtime/gradient.ts';
import { makeInParts, partsOf } from '../../src/runtime/parts.ts';
import { Tensor } from '../../src/runtime/tensor.ts';
import { activate } from '../../src/shaders/matmul/gates/activate.ts';
import { crossEntropy } from '../../src/shaders/loss/cross-entropy.ts';
import { distillationLoss } from '../../src/shaders/loss/distillation-loss.ts';
import { embedding } from '../../src/shaders/embedding/embedding.ts';
import { gatedLinear } from '../../src/shaders/matmul/gates/gated.ts';
import { gradientRules } from '../../src/shaders/gradients.ts';
import { lora } from '../../src/shaders/matmul/adapters/lora.ts';
import { matmul } from '../../src/shaders/matmul/matmul.ts';
import { scale, softCap } from '../../src/shaders/elementwise/scale.ts';
import { Bench, type BenchOptions, expectOperation } from '../support/check.ts';
import { expectClose } from '../support/expected.ts';
import { expectRejection } from '../support/rejection.ts';
import { limitBuffers, testGpus, withGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';

const gpus = await testGpus();
const small = { outliers: 0 };

/** Runs the same with buffers of so many bytes at most, and without a limit; the results are alike. */
async function expectAlike(
  gpu: Gpu,
  limit: number,
  build: (bench: Bench, random: Random) => readonly Tensor[],
  options: BenchOptions & { seed: number; exact?: boolean },
): Promise<{ dispatches: number; split: number }> {
  const run = async (most: number) => {
    limitBuffers(gpu, most);
    return expectOperation(gpu, (bench) => build(bench, new Random(options.seed)), options);
  };
  const [whole, inParts] = [await run(Infinity), await run(limit)];
  whole.outputs.forEach((values, i) => {
    const got = { data: Float32Array.from(inParts.outputs[i]!), shape: [values.length] };
    const wanted = { data: Float32Array.from(values), shape: [values.length] };
    if (options.exact === true) expect(got).toEqual(wanted);
    else expectClose(got, wanted, `output ${i}`);
  });
  return { dispatches: whole.kernels.length, split: inParts.kernels.length };
}

test('parts are whole rows, of about one size, and begin at multiples of 64 rows', async () => {
  const rowsOfParts = (shape: readonly number[], limit: number, dtype: 'f32' | 'bf16' = 'f32') => {
    const options = { label: 'w', shape, dtype };
    const limits = { limit, purpose: 'weights' } as const;
    const tensor = makeInParts(options, limits, (part) => new Tensor(part));
    expect([tensor.shape, tensor.dtype]).toEqual([shape, dtype]);
    return partsOf(tensor).map(({ first, rows }) => [first, rows]);
  };
  expect(rowsOfParts([200, 4], 3200)).toEqual([[0, 200]]);
  expect(rowsOfParts([200, 4], 3199)).toEqual([
    [0, 128],
    [128, 72],
  ]);
  expect(rowsOfParts([3, 100, 4], 2048)).toEqual([
    [0, 128],
    [128, 128],
    [256, 44],
  ]);
  expect(rowsOfParts([262144, 640], 2 ** 27, 'bf16').map(([, rows]) => rows)).toEqual([
    87424, 87424, 87296,
  ]);
  // Rows of which a buffer does not hold 64, and vectors.
  await expectRejection(() => rowsOfParts([200, 4], 1023), 'LIMIT_EXCEEDED', 'w needs 3200 bytes');
  await expectRejection(() => rowsOfParts([200], 400), 'LIMIT_EXCEEDED', 'allows 400', "'f16'");
});

for (const { name, options } of gpus) {
  test(`a table of words, and the products with it, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, dtype] of (['f32', 'bf16', 'f16'] as const).entries()) {
        for (const [rows, columns] of [
          [1, 67],
          [9, 68],
        ] as const) {
          const limit = 128 * 68 * (dtype === 'f32' ? 4 : 2);
          const counts = await expectAlike(
            gpu,
            limit,
            (bench, random) => {
              const values = random.values(300 * columns);
              const table = bench.weight([300, columns], values, dtype);
              expect(partsOf(table)).toHaveLength(gpu.bindingLimit === limit ? 3 : 1);
              const ids = random.indices(rows, 300);
              const x = embedding(bench.input('ids', [rows], ids), table, { scale: 0.5 });
              const bias = bench.input('bias', [300], random.values(300));
              const residual = bench.input('residual', [rows, 300], random.values(rows * 300));
              const activation = 'gelu';
              return [x, matmul(x, table, { transposed: true, bias, residual, activation })];
            },
            { seed: 900 + i },
          );
          expect(counts).toEqual({ dispatches: 2, split: 6 });
        }
      }
    }));

  test(`logits beyond the limit, losses and all gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [words, columns, rows] = [200, 68, 134];
      const draw = (bench: Bench, random: Random) => {
        const table = bench.weight([words, columns], random.values(words * columns, small));
        const ids = bench.input('ids', [2, rows / 2], random.indices(rows, words));
        const label = bench.input('label', [rows], random.indices(rows, words));
        const bias = bench.input('bias', [words], random.values(words, small));
        const teacher = bench.input(
          'teacher',
          [rows, columns],
          random.values(rows * columns, small),
        );
        return { table, ids, label, bias, teacher };
      };
      const { dispatches, split } = await expectAlike(
        gpu,
        64 * words * 4,
        (bench, random) => {
          const { table, ids, label, bias, teacher } = draw(bench, random);
          const { recording } = bench;
          const x = embedding(ids, table, { scale: 2 });
          const logits = scale(matmul(x, table, { transposed: true, bias }), 0.5);
          const loss = crossEntropy(logits, label, 0.1);
          const other = matmul(teacher, table, { transposed: true });
          const mixed = distillationLoss(logits, {
            teacher: other,
            label,
            temperature: 2,
            weight: 0.7,
            smoothing: 0.1,
          });
          const seeds = new Map(
            [loss, mixed].map((result) => [
              result,
              bench.input('seed', [rows], random.values(rows, small)),
            ]),
          );
          const found = gradients(recording, seeds, [table, bias], gradientRules);
          return [logits, softCap(logits, 3), loss, mixed, ...found.values()];
        },
        { seed: 950, training: true },
      );
      expect(split).toBeGreaterThan(2 * dispatches);
    }));

  test(`a weight with low-rank updates, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [rows, columns, first, count] = [300, 12, 70, 150];
      await expectAlike(
        gpu,
        128 * columns * 4,
        (bench, random) => {
          const weight = bench.weight([rows, columns], random.values(rows * columns), 'bf16');
          const input = (label: string, ...shape: [number, number]) =>
            bench.input(label, shape, random.values(shape[0] * shape[1], small));
          const [a, b, x] = [input('a', 3, columns), input('b', count, 3), input('x', 5, columns)];
          const updated = lora(weight, matmul(b, a), { first, scale: 0.5 });
          const y = matmul(x, updated, { transposed: true });
          const seeds = new Map([[y, input('seed', 5, rows)]]);
          const found = gradients(bench.recording, seeds, [a, b], gradientRules);
          return [updated, y, ...found.values()];
        },
        { seed: 960, training: true },
      );
    }));

  test(`a gated product, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const rows of [2, 33]) {
        await expectAlike(
          gpu,
          33 * 280 * 4,
          (bench, random) => {
            const x = bench.input('x', [rows, 36], random.values(rows * 36));
            const weight = bench.weight([280, 36], random.values(280 * 36));
            return [gatedLinear(x, weight, { activation: 'silu' })];
          },
          { seed: 970 },
        );
      }
    }));
}

test('what takes a tensor whole refuses one in parts, and says what helps', () =>
  withGpu({}, async (gpu) => {
    limitBuffers(gpu, 64 * 8 * 4);
    const bench = new Bench(gpu);
    try {
      const weight = bench.weight([100, 8], new Float32Array(800));
      const x = bench.input('x', [200, 2], new Float32Array(400));
      const ids = bench.input('ids', [4], Uint32Array.of(1, 2, 3, 4));
      const positions = { position: ids, table: weight };
      const wide = bench.weight([2, 8], new Float32Array(16));
      const few = bench.weight([8, 8], new Float32Array(64));
      await expectRejection(
        () => embedding(ids, few, { positions }),
        'LIMIT_EXCEEDED',
        'weight f32(100, 8), which embedding takes whole, needs 3200 bytes',
        "dtype: 'f16'",
      );
      await expectRejection(
        () => activate(matmul(x, wide), 'relu'),
        'LIMIT_EXCEEDED',
        'Use a smaller batch or shorter sequences',
      );
    } finally {
      bench.dispose();
    }
  }));
