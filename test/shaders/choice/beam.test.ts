// Beam search step by step, against float64: candidates, hypotheses, what the beams carry along.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import {
  beamCandidates,
  beamStep,
  followMoves,
  unlikely,
} from '../../../src/shaders/choice/beam.ts';
import { hiddenSlot } from '../../../src/shaders/attention/decode/attention-decode.ts';
import type { Rules } from '../../../src/shaders/choice/rules.ts';
import { lowest } from '../../reference/token-rules.ts';
import {
  Bench,
  expectMatchesReference,
  expectOperation,
  expectStepMatches,
} from '../../support/check.ts';
import { choiceState } from '../../support/choice.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

interface SearchOptions {
  readonly items: number;
  readonly beams: number;
  readonly count: number;
  readonly vocabulary: number;
  readonly steps: number;
  readonly draws?: boolean;
  readonly rules?: Partial<Rules>;
  readonly lengthPenalty?: number;
}

/**
 * A search over log-probabilities that are the same at every step; the first two tokens are ends.
 * @returns hypotheses and scores after each step.
 */
async function search(
  gpu: Gpu,
  seed: number,
  {
    items,
    beams,
    count,
    vocabulary,
    steps,
    draws = false,
    rules = {},
    lengthPenalty = 1,
  }: SearchOptions,
): Promise<number[][][]> {
  const random = new Random(seed);
  const rows = items * beams;
  const bench = new Bench(gpu);
  const after: number[][][] = [];
  try {
    const capacity = steps + 5;
    const pitch = capacity + 1;
    const x = random.values(rows * vocabulary, { outliers: 0 }).map((v) => -0.5 - Math.abs(v));
    if (vocabulary > 5) x[vocabulary - 1] = lowest;
    const history = Array.from({ length: rows }, (_, row) => {
      const item = Math.floor(row / beams);
      return [item, item + 1, 7];
    });
    const powers = Float32Array.from({ length: 40 * items }, (_, n) => (n % 40) ** lengthPenalty);
    const norms = bench.input('norms', [items, 40], powers);
    const flags = Uint32Array.from({ length: vocabulary }, (_, token) => (token < 2 ? 8 : 0));
    const state = choiceState(bench, {
      rules: { seed, promptLength: 3, padToken: 1, ...rules },
      history,
      flags,
      pitch,
    });
    const scores = Float32Array.from({ length: rows }, (_, row) => (row % beams ? unlikely : 0));
    const score = bench.input('score', [rows], scores);
    const tokens = bench.input('tokens', [rows, 1], new Uint32Array(rows));
    const none = [0, 0, ...Array.from({ length: beams }, () => [unlikely, 0, 0]).flat()];
    const hypotheses = bench.input(
      'hypotheses',
      [items, none.length],
      Float32Array.from(Array.from({ length: items }, () => none).flat()),
    );
    const slots = Uint32Array.from({ length: rows * capacity }, (_, i) =>
      i % capacity === 0 ? hiddenSlot : i,
    );
    const table = bench.input('table', [rows, capacity], slots);
    const ended = bench.input('ended', [rows, pitch], new Uint32Array(rows * pitch));
    const logits = bench.input('x', [rows, 1, vocabulary], x);
    const candidates = beamCandidates(logits, score, state, count, draws);
    const moves = beamStep(candidates, { score, tokens, hypotheses, norms }, state);
    followMoves(moves, tokens, { ...state, table, ended });
    const outputs = [hypotheses, score, tokens, state.history, table];
    const { plan, outputs: first } = await expectMatchesReference(bench.recording, {
      write: bench.write,
      outputs,
      seed,
    });
    after.push(first.map((values) => [...values]));
    for (let step = 1; step < steps; step++) {
      const next = await expectStepMatches(plan, { seed });
      after.push(next.map((values) => [...values]));
    }
  } finally {
    bench.dispose();
  }
  return after;
}

for (const { name, options } of gpus) {
  test(`candidates of odd sizes, tied and hidden, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 100;
      for (const [rows, columns, count] of [
        [1, 1, 4],
        [3, 2, 2],
        [2, 63, 4],
        [17, 64, 6],
        [3, 131, 9],
        [2, 1031, 40],
      ] as const) {
        for (const draws of [false, true]) {
          const random = new Random(++seed);
          await expectOperation(
            gpu,
            (bench) => {
              const values = random
                .values(rows * columns, { scale: 2 })
                .map((v) => (random.integer(0, 5) === 0 ? lowest : Math.round(8 * v) / 8));
              const x = bench.input('x', [rows, 1, columns], values);
              const before = random.values(rows).map((v, row) => (row === 1 ? lowest : v));
              const history = Array.from({ length: rows }, () => [1, 2]);
              const flags = Uint32Array.from({ length: columns }, (_, column) => 8 * (column % 3));
              const state = choiceState(bench, { rules: { seed }, history, flags });
              const score = bench.input('score', [rows], before);
              return [beamCandidates(x, score, state, count, draws)];
            },
            { seed },
          );
        }
      }
    }));

  test(`beams from step to step, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shape = { items: 3, beams: 3, count: 9, vocabulary: 23, steps: 8, lengthPenalty: 0.5 };
      const plain = await search(gpu, 1, shape);
      const done = (states: number[][][], items: number): number[] =>
        states.map(
          ([hypotheses]) =>
            Array.from({ length: items }, (_, item) => hypotheses![item * 11]!).filter(Boolean)
              .length,
        );
      // Some are found on the way, and items are done one after the other.
      expect(plain[0]![0]!.some((word) => word > 0)).toBe(true);
      const early = await search(gpu, 1, { ...shape, rules: { stopsEarly: 1 } });
      expect(done(early, 3).at(-1)).toBe(3);
      const never = { attainableLength: 30 };
      const patient = await search(gpu, 1, { ...shape, rules: never });
      const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
      expect(sum(done(early, 3))).toBeGreaterThan(sum(done(plain, 3)));
      expect(sum(done(plain, 3))).toBeGreaterThan(sum(done(patient, 3)));
      for (const lengthPenalty of [-1, 0, 2.5]) await search(gpu, 2, { ...shape, lengthPenalty });
      await search(gpu, 3, { ...shape, draws: true });
      await search(gpu, 4, { items: 17, beams: 2, count: 4, vocabulary: 4, steps: 4 });
      // Fewer continuations than are wanted.
      await search(gpu, 5, { items: 1, beams: 2, count: 6, vocabulary: 2, steps: 3 });
    }));
}
