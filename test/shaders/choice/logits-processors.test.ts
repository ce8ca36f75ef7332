// Every logits processor and warper alone, next to what Hugging Face's makes of the same logits.
import { expect, test } from 'vitest';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { type Warp, warp } from '../../../src/shaders/choice/choose-token.ts';
import { tokenFlags } from '../../../src/shaders/choice/rules.ts';
import {
  applyHistory,
  applySequenceBias,
  applyTokenRules,
  type BiasedSequence,
  type ChoiceState,
  packSequences,
} from '../../../src/shaders/choice/token-rules.ts';
import { lowest } from '../../reference/token-rules.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { type Choice, choiceState, flagsOf } from '../../support/choice.ts';
import { readFixture, readFixtureJson } from '../../support/fixture.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { readValues } from '../../support/source.ts';
import { tolerance } from '../../support/tolerance.ts';

const gpus = await testGpus();
const { input_ids: history } = (await readFixtureJson('logits_processors/inputs.json')) as {
  input_ids: number[][];
};
const [rows, length] = [history.length, history[0]!.length];
const inputs = readValues(await readFixture('logits_processors/inputs.safetensors'));
const expected = readValues(await readFixture('logits_processors/expected.safetensors'));
const logits = inputs.get('logits')!;
const vocabulary = logits.shape[1]!;
const [end, ends] = [[4], [4, 6]];

type Apply = (x: Tensor, state: ChoiceState & { history: Tensor }, bench: Bench) => void;
interface Case {
  readonly choice: Partial<Choice>;
  readonly apply: Apply;
}

const byToken = (
  rules: Choice['rules'],
  flag: number = tokenFlags.end,
  tokens: readonly number[] = end,
): Case => ({
  choice: { rules: rules ?? {}, flags: flagsOf(vocabulary, [[flag, tokens]]) },
  apply: (x, state) => applyTokenRules(x, state, false),
});
const byHistory = (rules: Choice['rules']): Case => ({
  choice: { rules: rules ?? {} },
  apply: (x, state) => applyHistory(x, state),
});
const bySequence = (sequences: readonly BiasedSequence[]): Case => {
  const { words, targets } = packSequences(sequences);
  return {
    choice: { rules: { targets } },
    apply: (x, state, bench) =>
      applySequenceBias(x, state, bench.input('sequences', [words.length], words), targets),
  };
};
const warping = (by: Warp, value: number, kept = 1): Case => ({
  choice: { rules: { [by]: value, kept } },
  apply: (x, { rules }) => warp(x, by, rules),
});

/** The settings of each case, from the arguments that expected.json names. */
const cases: Readonly<Record<string, Case>> = {
  temperature: {
    choice: { rules: { temperature: 0.7 } },
    apply: (x, { place, rules }) => applyTokenRules(x, { place, rules }, true),
  },
  top_k: warping('topK', 5),
  top_p: warping('topP', 0.8),
  top_p_min2: warping('topP', 0.1, 2),
  typical_p: warping('typicalP', 0.6),
  epsilon: warping('epsilonCutoff', 0.02),
  eta: warping('etaCutoff', 0.02),
  min_p: warping('minP', 0.1),
  repetition_penalty: byHistory({ penalty: 1.5 }),
  no_repeat_ngram: byHistory({ ngram: 2 }),
  no_repeat_ngram3: byHistory({ ngram: 3 }),
  bad_words: bySequence([[7], [0, 9], [3, 2, 11]].map((ids) => [ids, -Infinity])),
  min_length: byToken({ minLength: 8 }),
  min_new_tokens: byToken({ minLength: 5 + 3 }, tokenFlags.end, ends),
  forced_eos: byToken({ lastLength: 7 }, tokenFlags.forcedLast),
  suppress: byToken({}, tokenFlags.suppressed, [1, 3, 5]),
  begin_suppress: byToken({ beginLength: 7 }, tokenFlags.suppressedFirst, [0, 2]),
  exp_decay: byToken({ decayLength: 1 + 3, decay: 1.3 }),
  sequence_bias: bySequence([
    [[2], -1.5],
    [[0, 8], 2],
  ]),
  encoder_repetition: {
    choice: { rules: { sourcePenalty: 1 / 1.4, sourceLength: 4 } },
    apply: (x, state, bench) => {
      const source = history.flatMap((row) => [...row.slice(0, 4), 9, 9]);
      applyHistory(x, state, bench.input('source', [rows, 6], Uint32Array.from(source)));
    },
  },
};

test('every processor of the fixture has a case', async () => {
  const { processors } = (await readFixtureJson('logits_processors/expected.json')) as {
    processors: { name: string; n_masked: number[] }[];
  };
  expect(processors.map(({ name }) => name).toSorted()).toEqual(Object.keys(cases).toSorted());
  expect(length).toBe(7);
});

for (const { name, options } of gpus) {
  test(`each processor gives what Hugging Face's gives, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [title, { choice, apply }] of Object.entries(cases)) {
        const { outputs } = await expectOperation(gpu, (bench) => {
          const x = bench.input('x', [rows, 1, vocabulary], Float32Array.from(logits.data));
          apply(x, choiceState(bench, { history, ...choice }), bench);
          return [x];
        });
        const wanted = expected.get(title)!.data;
        outputs[0]!.forEach((value, i) => {
          if (wanted[i] === -Infinity) return expect(value, `${title} ${i}`).toBe(lowest);
          // Decayed scores are the longest computation: a few products.
          const allowed = tolerance('f32', 4, Math.abs(wanted[i]!) + Math.abs(logits.data[i]!));
          expect(Math.abs(value - wanted[i]!), `${title} ${i}`).toBeLessThanOrEqual(allowed);
        });
      }
    }));
}
