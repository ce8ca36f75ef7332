// The gradient of attention that compares queries and keys with relative positions, against float64.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { positionScores } from '../../../src/shaders/attention/positions/attention-positions.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const kinds = [
  { c2p: true, p2c: true, tables: 2, dropout: 0.2 },
  { c2p: true, p2c: true, tables: 3, dropout: 0 },
  { c2p: true, p2c: false, tables: 1, dropout: 0 },
  { c2p: false, p2c: true, tables: 1, dropout: 0.5 },
  { c2p: false, p2c: true, tables: 2, dropout: 0 },
];

/** Queries, keys (as many in one tensor where there are none), columns of a head, the farthest distance. */
const sizes = [
  [9, undefined, 4, 4],
  [33, undefined, 5, 40],
  [7, 70, 3, 7],
  [35, 2, 36, 9],
  [1, 1, 1, 1],
] as const;

for (const { name, options } of await testGpus()) {
  test(`terms, head sizes and distances beyond the farthest, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [index, { tables, dropout, ...terms }] of kinds.entries()) {
        const [queries, others, headSize, reach] = sizes[index]!;
        const keys = others ?? queries;
        const random = new Random(30 + index);
        const { kernels } = await expectOperation(
          gpu,
          (bench) => {
            const [batches, heads] = [2, 3];
            const width = heads * headSize;
            const dense = (label: string, ...shape: number[]): Tensor => {
              const size = shape.reduce((product, n) => product * n, 1);
              return bench.input(label, shape, random.values(size, { outliers: 0 }));
            };
            const kv = dense('kv', batches, keys, (others ? 2 : 3) * width);
            const q = others ? dense('q', batches, queries, width) : kv;
            const table = dense('positions', 2 * reach + 1, tables * width);
            const mask = Uint32Array.from({ length: batches * keys }, (_, n) =>
              n % 7 === 4 ? 0 : 1,
            );
            const { output } = attention({
              q: { tensor: q, start: others ? 0 : 2 * width },
              k: { tensor: kv, start: width },
              v: { tensor: kv, start: 0 },
              keyMask: bench.input('mask', [batches, keys], mask),
              heads,
              headSize,
              scale: 0.4,
              causal: false,
              dropout,
              positions: positionScores(table, undefined, { ...terms, width }),
            });
            const wanted = [...new Set([q, kv]), table];
            const seeds = new Map([[output, dense('dy', batches, queries, width)]]);
            return [...gradients(bench.recording, seeds, wanted, gradientRules).values()];
          },
          { seed: index, training: true, random: [index, 3] },
        );
        const operations = new Set(kernels.map(({ kernel }) => kernel.operation));
        const backward = ['delta', 'pairs', 'pair-sum', 'pair-distance'];
        expect(operations).toEqual(
          new Set(['attention', ...backward.map((part) => `attention-backward-${part}`)]),
        );
      }
    }));
}
