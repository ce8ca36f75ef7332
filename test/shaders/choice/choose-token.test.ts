// The choice of tokens, what narrows it, and log softmax, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { chooseToken, logSoftmax, warp, warps } from '../../../src/shaders/choice/choose-token.ts';
import { gumbel } from '../../reference/choose-token.ts';
import { lowest } from '../../reference/token-rules.ts';
import { expectOperation } from '../../support/check.ts';
import { choiceState, rulesInput } from '../../support/choice.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();
const shapes = [
  [1, 1],
  [3, 2],
  [5, 3],
  [17, 5],
  [2, 63],
  [16, 64],
  [7, 65],
  [3, 1031],
] as const;

/** Logits of which some, but not all of a row, are hidden; and some are tied. */
function logitsOf(random: Random, rows: number, columns: number): Float32Array<ArrayBuffer> {
  return random.values(rows * columns, { scale: 3 }).map((value, i) => {
    if (i % columns !== 0 && random.integer(0, 7) === 0) return lowest;
    return random.integer(0, 3) === 0 ? Math.round(value) : value;
  });
}

/** Draws `rows` tokens from one distribution. */
async function draws(
  gpu: Gpu,
  logits: readonly number[],
  rows: number,
  seed: number,
  length = 3,
): Promise<number[]> {
  const x = Float32Array.from(
    { length: rows * logits.length },
    (_, i) => logits[i % logits.length]!,
  );
  const { outputs } = await expectOperation(gpu, (bench) => {
    const index = bench.recording.persistent('index', [rows, 1], 'u32');
    const history = Array.from({ length: rows }, () => Array<number>(length).fill(1));
    const state = choiceState(bench, { rules: { seed }, history });
    chooseToken(bench.input('x', [rows, 1, logits.length], x), index, state, true);
    return [index];
  });
  return [...outputs[0]!];
}

/** Σ (seen - wanted)² / wanted of how often each outcome came. */
function chiSquare(seen: readonly number[], chances: readonly number[]): number {
  const total = seen.length;
  return chances.reduce((sum, chance, outcome) => {
    const wanted = chance * total;
    const count = seen.filter((one) => one === outcome).length;
    return sum + (count - wanted) ** 2 / wanted;
  }, 0);
}

test('the noise has the distribution it is named after', () => {
  const noise = Array.from({ length: 20_000 }, (_, i) => gumbel(5, 6, 7, i));
  const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
  // Euler's constant; the standard deviation is π / √6.
  expect(Math.abs(mean - 0.5772)).toBeLessThan((4 * 1.2825) / Math.sqrt(noise.length));
});

for (const { name, options } of gpus) {
  test(`the best token under rules, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of shapes.entries()) {
        const random = new Random(100 + i);
        for (const rules of [{}, { minLength: 4 }, { firstLength: 3 }, { beginLength: 3 }]) {
          await expectOperation(
            gpu,
            (bench) => {
              const x = bench.input('x', [rows, 1, columns], logitsOf(random, rows, columns));
              const index = (label: string) => bench.recording.persistent(label, [rows, 1], 'u32');
              const [free, ruled] = [index('free'), index('ruled')];
              const history = Array.from({ length: rows }, () => [1, 2, 0]);
              const flags = random.indices(columns, 64).map((flag) => flag & ~1);
              const state = choiceState(bench, { rules, flags, history });
              chooseToken(x, free);
              chooseToken(x, ruled, state);
              return [free, ruled];
            },
            { seed: 100 + i },
          );
        }
      }
    }));

  test(`of equals the first is chosen, and none that is hidden, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const columns = 130;
      const choose = async (x: Float32Array<ArrayBuffer>): Promise<number> => {
        const { outputs } = await expectOperation(gpu, (bench) => {
          const index = bench.recording.persistent('index', [1], 'u32');
          chooseToken(bench.input('x', [1, x.length], x), index);
          return [index];
        });
        return outputs[0]![0]!;
      };
      const row = (high: readonly number[], value = 1, other = 0) =>
        Float32Array.from({ length: columns }, (_, j) => (high.includes(j) ? value : other));
      expect(await choose(row([]))).toBe(0);
      expect(await choose(row([129]))).toBe(129);
      expect(await choose(row([67, 66, 129]))).toBe(66);
      expect(await choose(row([77], -3.2e38, lowest))).toBe(77);
      expect(await choose(row([77, 129], -3.2e38, lowest))).toBe(77);
      expect(await choose(row([5, 70], lowest, -3e38))).toBe(0);
      expect(await choose(row([0, 1], lowest, -3e38))).toBe(2);
      expect(await choose(row([], 0, lowest))).toBe(0);
      expect(await choose(row([1], -3.2e38, lowest).slice(0, 3))).toBe(1);
    }));

  test(`draws are those of seed, step and row, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of shapes.entries()) {
        const random = new Random(200 + i);
        await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [rows, 1, columns], logitsOf(random, rows, columns));
            const index = bench.recording.persistent('index', [rows, 1], 'u32');
            const history = Array.from({ length: rows }, () => [1, 2, 0, 2]);
            const state = choiceState(bench, { rules: { seed: 2 ** 32 - 1 - i }, history });
            chooseToken(x, index, state, true);
            return [index];
          },
          { seed: 200 + i },
        );
      }
      const even = Array<number>(1000).fill(0);
      const one = await draws(gpu, even, 8, 1);
      expect(await draws(gpu, even, 8, 1)).toEqual(one);
      expect(await draws(gpu, even, 8, 2)).not.toEqual(one);
      expect(await draws(gpu, even, 8, 1, 4)).not.toEqual(one);
      expect(new Set(one).size).toBeGreaterThan(5);
    }));

  test(`draws follow the probabilities, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const chances = [0.5, 0.25, 0.15, 0.07, 0.02, 0.01];
      const logits = chances.map((chance) => Math.log(chance) + 11);
      const rows = 4000;
      const seen = await draws(gpu, [...logits, lowest], rows, 77);
      // 20.5 is exceeded with a probability of 0.001 by 5 degrees of freedom.
      expect(chiSquare(seen, chances)).toBeLessThan(20.5);
      expect(seen).not.toContain(chances.length);
      // Equal chances, so that a bias between places would show.
      const fair = await draws(gpu, Array<number>(50).fill(-3), rows, 78);
      expect(chiSquare(fair, Array<number>(50).fill(1 / 50))).toBeLessThan(85.4);
    }));

  test(`warps hide what is unlikely, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const values: Readonly<Record<(typeof warps)[number], readonly number[]>> = {
        topK: [1, 2, 7, 5000],
        topP: [0, 0.1, 0.5, 0.93],
        minP: [0, 0.01, 0.3, 1],
        typicalP: [0.1, 0.5, 0.93],
        epsilonCutoff: [1e-3, 0.05, 0.7],
        etaCutoff: [1e-3, 0.05, 0.7],
      };
      const warped = [
        [1, 1],
        [3, 2],
        [7, 65],
        [2, 523],
      ] as const;
      let seed = 300;
      for (const by of warps) {
        let hidden = 0;
        for (const value of values[by]) {
          for (const kept of [1, 3]) {
            for (const [rows, columns] of warped) {
              const random = new Random(++seed);
              const rules = Array.from({ length: rows }, () => ({ [by]: value, kept }));
              const { outputs } = await expectOperation(
                gpu,
                (bench) => {
                  const x = bench.input('x', [rows, columns], logitsOf(random, rows, columns));
                  warp(x, by, rulesInput(bench, rules));
                  return [x];
                },
                { seed },
              );
              hidden += outputs[0]!.filter((one: number) => one === lowest).length;
            }
          }
        }
        expect(hidden, `hidden by ${by}`).toBeGreaterThan(100);
      }
    }));

  test(`rows are narrowed and drawn, or not, each for itself, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [rows, columns] = [6, 131];
      const random = new Random(600);
      const x = logitsOf(random, rows, columns);
      const rules = [
        { draws: 0, topK: 5 },
        { seed: 3, topP: 0.4 },
        { seed: 3, stream: 1 },
        { seed: 8, minP: 0.2, stream: 0 },
        { draws: 0 },
        { typicalP: 0.3, kept: 3 },
      ];
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const logits = bench.input('x', [rows, columns], x);
          const warped = warps.map((by) => bench.input(by, [rows, columns], x));
          const state = choiceState(bench, {
            rules: (row) => rules[row]!,
            history: rules.map(() => [1, 2]),
          });
          const index = bench.recording.persistent('index', [rows, 1], 'u32');
          warps.forEach((by, i) => warp(warped[i]!, by, state.rules));
          chooseToken(logits, index, state, true);
          return warped;
        },
        { seed: 600 },
      );
      // Rules that say nothing hide nothing.
      const plain = Array.from(x.subarray(4 * columns, 5 * columns));
      for (const warped of outputs) {
        expect(Array.from(warped.slice(4 * columns, 5 * columns))).toEqual(plain);
      }
    }));

  test(`log softmax, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [rows, columns]] of shapes.entries()) {
        const random = new Random(700 + i);
        await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', [rows, columns], logitsOf(random, rows, columns));
            logSoftmax(x);
            return [x];
          },
          { seed: 700 + i },
        );
      }
    }));
}

// What counts is how far a single invocation goes, on adapters where one does a row.
for (const { name, options } of gpus.filter(({ options: { tier } }) => tier === 'software')) {
  test(`rows as long as large vocabularies, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const longest = 131_101;
      for (const [i, columns] of [2503, 3001, 16_661, 50_021, longest].entries()) {
        const random = new Random(800 + i);
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const draw = (): Float32Array<ArrayBuffer> => {
              const values = random.values(2 * columns, { outliers: 0 });
              values[2 * columns - 2] = 9;
              return values;
            };
            const [best, chosen, logs, warped] = ['best', 'chosen', 'logs', 'warped'].map((label) =>
              bench.input(label, [2, 1, columns], draw()),
            );
            const index = bench.recording.persistent('index', [2, 1], 'u32');
            const drawn = bench.recording.persistent('drawn', [2, 1], 'u32');
            const state = choiceState(bench, { rules: { topP: 0.6 }, history: [[1], [2]] });
            chooseToken(best!, index);
            chooseToken(chosen!, drawn, { ...state, flags: undefined }, true);
            logSoftmax(logs!);
            if (columns < longest) warp(warped!, 'topP', state.rules);
            return [index];
          },
          { seed: 800 + i },
        );
        expect(outputs[0]![1]).toBe(columns - 2);
      }
    }));
}
