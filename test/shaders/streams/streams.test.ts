// Streams that take shares of others, rows of the magnitude of others, and cutoffs, with their gradients.
import { expect, test } from 'vitest';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { mixStreams } from '../../../src/shaders/streams/mix-streams.ts';
import { takeColumns } from '../../../src/shaders/elementwise/take-columns.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { gaussianTopK } from '../../../src/shaders/rows/gaussian-top-k.ts';
import { matchMagnitude } from '../../../src/shaders/streams/match-magnitude.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

interface Sizes {
  readonly tokens: number;
  readonly streams: number;
  readonly others: number;
  readonly columns: number;
}

/** Every operation on rows of these sizes, and the gradients of all its inputs. */
const build = (sizes: Sizes) => (bench: Bench) => {
  const { tokens, streams, others, columns } = sizes;
  const random = new Random(columns);
  const input = (label: string, width: number): Tensor =>
    bench.input(label, [1, tokens, width], random.values(tokens * width));
  const bothWays = (y: Tensor, inputs: readonly Tensor[]): Tensor[] => {
    const seeds = new Map([[y, input('dy', y.size(-1))]]);
    return [y, ...gradients(bench.recording, seeds, inputs, gradientRules).values()];
  };
  const x = input('x', streams * columns);
  const taken = input('taken', others * columns);
  const coefficients = input('coefficients', streams * others);
  const [row, like] = [input('row', columns), input('like', columns)];
  const one = { columns, offset: 1, first: streams - 1 };
  return [
    ...bothWays(mixStreams(x, taken, { columns, coefficients, offset: -0.75 }), [
      x,
      taken,
      coefficients,
    ]),
    ...bothWays(mixStreams(x, row, one), [x, row]),
    ...bothWays(takeColumns(x, columns, (streams - 1) * columns, 'others'), [x]),
    ...bothWays(matchMagnitude(row, like, 1e-5), [row, like]),
    ...bothWays(gaussianTopK(row, 1.25), [row]),
  ];
};

for (const { name, options } of await testGpus()) {
  test(`streams of unlike sizes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [tokens, streams, others, columns] of [
        [1, 2, 1, 3],
        [17, 3, 2, 7],
        [5, 4, 4, 131],
      ] as const) {
        const sizes = { tokens, streams, others, columns };
        await expectOperation(gpu, build(sizes), { training: true });
      }
    }));
}

test('rows of zeros have no magnitude and no deviation', () =>
  withGpu({}, async (gpu) => {
    const zeros = (bench: Bench): Tensor => bench.input('x', [1, 2, 5], new Float32Array(10));
    const { outputs } = await expectOperation(
      gpu,
      (bench) => {
        const x = zeros(bench);
        const both = [matchMagnitude(x, x, 1e-5), gaussianTopK(x, 0.5)];
        const dy = bench.input('dy', [1, 2, 5], new Float32Array(10).fill(1));
        return both.flatMap((y) => [
          y,
          ...gradients(bench.recording, new Map([[y, dy]]), [x], gradientRules).values(),
        ]);
      },
      { training: true },
    );
    for (const values of outputs) expect([...values]).toEqual(Array(10).fill(0));
  }));
