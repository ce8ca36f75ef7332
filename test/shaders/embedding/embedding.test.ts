// Token embedding, against float64.
import { expect, test } from 'vitest';
import { blockDtypes } from '../../../src/runtime/dtype.ts';
import { embedding } from '../../../src/shaders/embedding/embedding.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

for (const { name, options } of gpus) {
  test(`tables of every format and odd widths, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 100;
      for (const dtype of ['f32', 'f16', 'bf16'] as const) {
        for (const columns of [1, 2, 3, 5, 8, 65]) {
          const random = new Random(++seed);
          const [batches, length, vocabulary, places] = [2, 7, 13, 11];
          const offset = seed % 3;
          await expectOperation(
            gpu,
            (bench) => {
              const tokens = random.indices(batches * length, vocabulary);
              const ids = bench.input('ids', [batches, length], tokens);
              const rows = random.values(vocabulary * columns);
              const table = bench.weight([vocabulary, columns], rows, dtype);
              const positions = {
                position: bench.input(
                  'position',
                  [batches, length],
                  random.indices(batches * length, places - offset),
                ),
                table: bench.weight([places, columns], random.values(places * columns)),
                offset,
              };
              return [
                embedding(ids, table),
                embedding(ids, table, { scale: Math.sqrt(columns) }),
                embedding(ids, table, { scale: 0.37, positions }),
              ];
            },
            { seed },
          );
        }
      }
    }));

  test(`tables in blocks of every format, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, dtype] of blockDtypes.entries()) {
        const random = new Random(200 + i);
        const [tokens, vocabulary, columns] = [5, 6, [36, 128, 130][i % 3]!];
        await expectOperation(
          gpu,
          (bench) => {
            const ids = bench.input('ids', [tokens], random.indices(tokens, vocabulary));
            const rows = random.values(vocabulary * columns);
            return [embedding(ids, bench.weight([vocabulary, columns], rows, dtype))];
          },
          { seed: 200 + i },
        );
      }
    }));

  test(`the values of a small table, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const ids = bench.input('ids', [2], Uint32Array.from([2, 0]));
        const table = bench.weight([3, 2], Float32Array.from([1, 2, 3, 4, 5, 6]), 'f16');
        const position = bench.input('position', [2], Uint32Array.from([0, 1]));
        const places = bench.weight([4, 2], Float32Array.from([9, 9, 9, 9, 10, 20, 30, 40]));
        const positions = { position, table: places, offset: 2 };
        const place = bench.input('place', [2, 2], Uint32Array.from([1, 7, 0, 9]));
        return [
          embedding(ids, table, { scale: 2, positions }),
          embedding(place, places, { beside: { words: 2, offset: 2 } }),
        ];
      });
      expect([...outputs[0]!]).toEqual([20, 32, 32, 44]);
      expect([...outputs[1]!]).toEqual([30, 40, 10, 20]);
    }));
}

// All tiers share this kernel.
test('more elements than one axis of workgroups holds', () =>
  withGpu(gpus[0]!.options, async (gpu) => {
    const random = new Random(300);
    const tokens = 64 * 65535 + 7;
    await expectOperation(
      gpu,
      (bench) => {
        const ids = bench.input('ids', [tokens], random.indices(tokens, 5));
        return [embedding(ids, bench.weight([5, 1], random.values(5)))];
      },
      { seed: 300 },
    );
  }));
