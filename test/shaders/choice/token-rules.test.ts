// Rules by token, by history and by sequences, against float64.
import { expect, test } from 'vitest';
import {
  packRules,
  neutralRules,
  never,
  ruleCount,
  type Rules,
} from '../../../src/shaders/choice/rules.ts';
import rulesText from '../../../src/shaders/choice/rules.wgsl?raw';
import tokenRuleText from '../../../src/shaders/choice/token-rule.wgsl?raw';
import { tokenFlags } from '../../../src/shaders/choice/rules.ts';
import {
  appendTokens,
  applyHistory,
  applySequenceBias,
  applyTokenRules,
  lostToken,
  packSequences,
} from '../../../src/shaders/choice/token-rules.ts';
import { lowest } from '../../reference/token-rules.ts';
import { expectOperation } from '../../support/check.ts';
import { choiceState } from '../../support/choice.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

/** Logits, some of them hidden. */
function logitsOf(random: Random, count: number): Float32Array<ArrayBuffer> {
  return random
    .values(count, { scale: 3 })
    .map((value) => (random.integer(0, 9) === 0 ? lowest : value));
}

function historyOf(random: Random, rows: number, length: number, vocabulary: number): number[][] {
  return Array.from({ length: rows }, () => [...random.indices(length, vocabulary)]);
}

test('words and flags stand where the shaders have them', () => {
  const places = [...rulesText.matchAll(/^const (\w+) = (\d+)u;/gm)].map(([, word, place]) => [
    word!,
    Number(place),
  ]);
  expect(places.at(-1)).toEqual(['RULE_WORDS', ruleCount]);
  expect(places.map(([, place]) => place)).toEqual(places.map((_, i) => i));
  const names = Object.keys(neutralRules).map((word) =>
    word.replaceAll(/([A-Z])/g, '_$1').toUpperCase(),
  );
  expect(places.slice(0, -1).map(([word]) => word)).toEqual(names);
  const isFloat = [...rulesText.matchAll(/^const \w+ = (\d+)u;.*\/\/ f32/gm)].map(([, at]) => +at!);
  const ones = Object.fromEntries(Object.keys(neutralRules).map((word) => [word, 1])) as Rules;
  packRules(ones).forEach((word, i) => {
    expect(word, `word ${i}`).toBe(isFloat.includes(i) ? 0x3f800000 : 1);
  });
  const flags = [...tokenRuleText.matchAll(/^const (\w+) = (\d+)u;/gm)].map(([, , flag]) => +flag!);
  expect(flags).toEqual(Object.values(tokenFlags));
});

for (const { name, options } of gpus) {
  test(`rules by token at every length, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const settings: Partial<Rules>[] = [
        {},
        { minLength: 3 },
        { firstLength: 2, beginLength: 2 },
        { lastLength: 3, minLength: 9, decayLength: 1, decay: 1.2 },
        { decayLength: 0, decay: 1.5, minLength: 2 },
        { decayLength: 1, decay: 0.7, temperature: 0.6 },
        { firstLength: 3, lastLength: 3, temperature: 40 },
        { decayLength: 0, decay: 1e12 },
      ];
      let seed = 400;
      for (const rules of settings) {
        for (const length of [1, 2, 3, 77]) {
          const random = new Random(++seed);
          const [rows, vocabulary] = [3, 61];
          await expectOperation(
            gpu,
            (bench) => {
              const x = bench.input('x', [rows, vocabulary], logitsOf(random, rows * vocabulary));
              const state = choiceState(bench, {
                rules,
                flags: random.indices(vocabulary, 64),
                history: historyOf(random, rows, length, vocabulary),
              });
              applyTokenRules(x, state, rules.temperature !== undefined);
              return [x];
            },
            { seed },
          );
        }
      }
    }));

  test(`rules by history, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const settings: Partial<Rules>[] = [
        { penalty: 1.3 },
        { penalty: 0.8, presence: 0.5, frequency: 0.25, promptLength: 2 },
        { presence: -1, promptLength: 4 },
        { ngram: 1 },
        { ngram: 2, penalty: 2 },
        { ngram: 3, frequency: 0.3 },
        { ngram: 40 },
      ];
      let seed = 500;
      for (const rules of settings) {
        for (const [length, vocabulary] of [
          [1, 3],
          [5, 4],
          [33, 3],
          [70, 101],
        ] as const) {
          const random = new Random(++seed);
          const [rows, listed] = [6, 7];
          const { penalty = 1, ngram = 0 } = rules;
          const sourceRules = { sourcePenalty: penalty, sourceNgram: ngram, sourceLength: 6 };
          await expectOperation(
            gpu,
            (bench) => {
              const state = choiceState(bench, {
                rules: { ...rules, ...sourceRules },
                history: historyOf(random, rows, length, vocabulary),
                starts: Array.from({ length: rows }, (_, row) => Math.min(row, length - 1)),
              });
              const draw = (label: string) =>
                bench.input(label, [rows, vocabulary], logitsOf(random, rows * vocabulary));
              const [own, ofSource] = [draw('x'), draw('y')];
              const ids = random.indices(rows * listed, vocabulary);
              applyHistory(own, state);
              applyHistory(ofSource, state, bench.input('source', [rows, listed], ids));
              return [own, ofSource];
            },
            { seed },
          );
        }
      }
    }));

  test(`rules by sequences, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, length] of [1, 2, 3, 20].entries()) {
        const random = new Random(600 + i);
        const [rows, vocabulary] = [5, 3];
        const history = historyOf(random, rows, length, vocabulary);
        const sequences = Array.from({ length: 19 }, () => {
          const ids = [...random.indices(random.integer(1, 4), vocabulary)];
          const bias = random.integer(0, 5) === 0 ? -Infinity : random.values(1)[0]!;
          return [ids, bias] as const;
        });
        // Two lists, one after the other; the last row has none.
        const [first, second] = [sequences.slice(0, 7), sequences.slice(7)].map(packSequences);
        const words = Uint32Array.of(...first!.words, ...second!.words);
        const lists = [
          { sequences: 0, targets: first!.targets },
          { sequences: first!.words.length, targets: second!.targets },
        ];
        const none = { sequences: 0, targets: 0 };
        const rules = (row: number): Partial<Rules> => (row === rows - 1 ? none : lists[row % 2]!);
        await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [rows, vocabulary], random.values(rows * vocabulary));
            const packed = bench.input('sequences', [words.length], words);
            applySequenceBias(x, choiceState(bench, { rules, history }), packed, vocabulary);
            return [x];
          },
          { seed: 600 + i },
        );
      }
    }));

  test(`rows go by rules of their own, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(650);
      const [length, vocabulary] = [6, 41];
      const rules: Partial<Rules>[] = [
        { minLength: 9, flagSet: 1, temperature: 0.5, penalty: 1.5, promptLength: 2 },
        {},
        { decayLength: 3, decay: 1.4, flagSet: 2, ngram: 2, temperature: 3 },
        { firstLength: length, frequency: 0.4, promptLength: 5, padding: 2 },
      ];
      await expectOperation(
        gpu,
        (bench) => {
          const shape = [rules.length, vocabulary];
          const draw = (label: string) =>
            bench.input(label, shape, logitsOf(random, rules.length * vocabulary));
          const [ruled, repeated] = [draw('x'), draw('y')];
          const history = historyOf(random, rules.length, length, vocabulary);
          const flags = bench.input(
            'flag sets',
            [3, vocabulary],
            random.indices(3 * vocabulary, 64),
          );
          const state = { ...choiceState(bench, { rules: (row) => rules[row]!, history }), flags };
          applyTokenRules(ruled, state, true);
          applyHistory(repeated, state);
          return [ruled, repeated];
        },
        { seed: 650 },
      );
    }));

  test(`tokens are appended, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const pitch of [4, 5]) {
        const { outputs } = await expectOperation(gpu, (bench) => {
          const history = Array.from({ length: 67 }, (_, i) => [i, i, i, i]);
          const state = choiceState(bench, { history, pitch });
          const tokens = bench.input('tokens', [67, 1], new Uint32Array(67).fill(9));
          const recent = bench.input('recent', [67, 3], new Uint32Array(67 * 3));
          const [held, wrong] = [0, 1].map((word) =>
            bench.input(`spill ${word}`, [1], Uint32Array.of(word)),
          );
          appendTokens(tokens, { ...state, recent, spill: held });
          appendTokens(tokens, { place: state.place, recent });
          appendTokens(tokens, { place: state.place, recent, spill: wrong });
          return [state.history, state.place, recent];
        });
        expect(Array.from(outputs[0]!.slice(0, pitch))).toEqual([0, 0, 0, 0, 9].slice(0, pitch));
        expect(Array.from(outputs[1]!.slice(0, 4))).toEqual([6, 6, 5, 6]);
        // The places 4, 5 and 6, of three; the cache was wrong at the last.
        expect(Array.from(outputs[2]!.slice(0, 3))).toEqual([lostToken, 9, 9]);
      }
      expect(never).toBe(0xffffffff);
    }));
}
