// The likeliest tokens and their log-probabilities, against float64.
import { expect, test } from 'vitest';
import { likelyTokens } from '../../../src/shaders/choice/likely-tokens.ts';
import { expectOperation } from '../../support/check.ts';
import { choiceState } from '../../support/choice.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`the likeliest tokens, ties and short vocabularies among them, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [rows, columns, top] of [
        [3, 61, 1],
        [5, 130, 5],
        [2, 5003, 20],
        [1, 4, 4],
      ] as const) {
        const random = new Random(columns);
        const values = random.values(rows * columns, { scale: 3, outliers: 0 });
        // Of equal ones the first is listed first.
        for (let row = 0; row < rows; row++) values.fill(9, row * columns + 1, row * columns + 3);
        const { outputs } = await expectOperation(gpu, (bench) => {
          const x = bench.input('x', [rows, columns], values);
          const history = Array.from({ length: rows }, () => [1, 2, 3]);
          const { place } = choiceState(bench, { history });
          const chosen = Uint32Array.from({ length: rows }, (_, i) => i % 3);
          const tokens = bench.input('tokens', [rows, 1], chosen);
          const ids = bench.recording.persistent('ids', [rows, 4, top], 'u32');
          const recent = bench.recording.persistent('values', [rows, 4, 1 + top]);
          likelyTokens(x, tokens, place, { ids, values: recent });
          return [ids, recent];
        });
        expect([...outputs[1]!].filter((value) => value < 0)).toHaveLength(rows * (1 + top));
      }
    }));
}
