// Rules of time stamps behind all that may come before, and log-probabilities of what is chosen, against float64.
import { expect, test } from 'vitest';
import type { Rules } from '../../../src/shaders/choice/rules.ts';
import { applyTimestampRules } from '../../../src/shaders/choice/speech-tokens.ts';
import { tokenLogProbs } from '../../../src/shaders/choice/token-log-probs.ts';
import { lowest } from '../../reference/token-rules.ts';
import { expectOperation } from '../../support/check.ts';
import { choiceState } from '../../support/choice.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

/** Stamps are the tokens from 50 on, 49 says that there are none, 40 ends. */
const [vocabulary, begin] = [67, 50];

/** What stands behind a prompt of two tokens, by its name. */
const histories: readonly (readonly number[])[] = [
  [],
  [50],
  [53],
  [53, 7],
  [53, 7, 8, 9, 10, 11, 12],
  [53, 7, 55],
  [53, 7, 55, 55],
  [53, 7, 55, 56],
  [53, 7, 55, 56, 4],
  [66],
  [53, 7, 66],
  [7],
];

for (const { name, options } of await testGpus()) {
  test(`time stamps behind every kind of tokens, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let texts = 0;
      let seed = 700;
      for (const own of histories) {
        for (const lift of [-3, 0, 3]) {
          const random = new Random(++seed);
          const rows = 3;
          const x = random.values(rows * vocabulary, { scale: 2, outliers: 0 }).map((value, i) => {
            if (random.integer(0, 9) === 0) return lowest;
            return value + (i % vocabulary >= begin ? lift : 0);
          });
          // The last row knows of no time stamps.
          const rules = (row: number): Partial<Rules> => ({
            promptLength: 2,
            ...(row < 2 && {
              timestampBegin: begin,
              endToken: 40,
              initialTimestamps: row === 0 ? 55 : 2 ** 32 - 1,
            }),
          });
          const history = Array.from({ length: rows }, () => [60, 3, ...own]);
          const { outputs } = await expectOperation(
            gpu,
            (bench) => {
              const logits = bench.input('x', [rows, vocabulary], x);
              applyTimestampRules(logits, choiceState(bench, { rules, history }));
              return [logits];
            },
            { seed },
          );
          const [first] = [[...outputs[0]!].slice(0, begin)];
          if (first.some((value) => value !== lowest)) texts++;
        }
      }
      expect(texts).toBeGreaterThan(5);
      expect(texts).toBeLessThan(3 * histories.length - 5);
    }));

  test(`log-probabilities of chosen tokens, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [rows, columns, temperature] of [
        [3, 61, 1],
        [5, 130, 0.4],
        [1, 7, 2.5],
      ] as const) {
        const random = new Random(columns);
        const values = random
          .values(rows * columns, { scale: 3, outliers: 0 })
          .map((value, i) => (i % columns > 2 && i % 3 === 0 ? lowest : value));
        const { outputs } = await expectOperation(gpu, (bench) => {
          const x = bench.input('x', [rows, columns], values);
          const history = Array.from({ length: rows }, () => [1, 2, 3]);
          const state = choiceState(bench, { rules: { temperature }, history });
          const tokens = bench.input(
            'tokens',
            [rows, 1],
            Uint32Array.from({ length: rows }, (_, i) => i % 3),
          );
          const recent = bench.recording.persistent('recent', [rows, 4]);
          tokenLogProbs(x, tokens, state, recent);
          return [recent];
        });
        expect([...outputs[0]!].filter((value) => value < 0)).toHaveLength(rows);
      }
    }));
}
