// Attention that compares queries and keys with relative positions, too, against float64.
import { test } from 'vitest';
import { positionScores } from '../../../src/shaders/attention/positions/attention-positions.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const kinds = [
  { c2p: true, p2c: true, tables: 2 },
  { c2p: true, p2c: true, tables: 3 },
  { c2p: true, p2c: false, tables: 1 },
  { c2p: true, p2c: false, tables: 3 },
  { c2p: false, p2c: true, tables: 1 },
  { c2p: false, p2c: true, tables: 2 },
];

const sizes = [
  [9, 5, 4],
  [41, 12, 60],
  [35, 36, 7],
  [70, 64, 33],
] as const;

for (const { name, options } of await testGpus()) {
  test(`terms, head sizes and distances beyond the farthest, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [index, { tables, ...terms }] of kinds.entries()) {
        // Each is a pipeline of its own, which takes a GPU's tiles long to make on a CPU.
        const some = options.tier === 'gpu' ? [sizes[index % sizes.length]!] : sizes;
        for (const [length, headSize, reach] of some) {
          const random = new Random(10 * index + length);
          await expectOperation(
            gpu,
            (bench) => {
              const [batches, heads] = [2, 3];
              const width = heads * headSize;
              const dense = (label: string, shape: readonly number[]) => {
                const size = shape.reduce((product, n) => product * n, 1);
                return bench.input(label, shape, random.values(size, { outliers: 0 }));
              };
              // More rows than distances stand in an order of their own.
              const count = 2 * reach + 1;
              const table = dense('positions', [count + 3, tables * width]);
              const first = index % 2;
              const order = Uint32Array.from(
                { length: count },
                (_, n) => ((5 * n + 2) % (count + 3)) + first,
              );
              const rows = bench.input('rows', [count], order);
              const tensor = dense('qkv', [batches, length, 3 * width]);
              const [q, k, v] = [0, width, 2 * width].map((start) => ({ tensor, start }));
              const mask = Uint32Array.from({ length: batches * length }, (_, n) =>
                n % 7 === 4 ? 0 : 1,
              );
              const result = attention({
                q: q!,
                k: k!,
                v: v!,
                keyMask: bench.input('mask', [batches, length], mask),
                heads,
                headSize,
                scale: 0.4,
                causal: false,
                positions: positionScores(table, rows, { ...terms, width, first }),
              });
              return [result.output, result.weights()];
            },
            { seed: index },
          );
        }
      }
    }));
}
