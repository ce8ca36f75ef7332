// Dropout: what is dropped, how often, and the same on the way back; alone and in attention.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import { Plan } from '../../../src/runtime/plan.ts';
import { Recording } from '../../../src/runtime/record.ts';
import { Scope } from '../../../src/runtime/scope.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { dropout, dropPath } from '../../../src/shaders/elementwise/dropout.ts';
import { dropLayer } from '../../../src/shaders/elementwise/layer-drop.ts';
import { maskSpans } from '../../../src/shaders/elementwise/spans.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { randomBits } from '../../reference/dropout.ts';
import type { Values } from '../../reference/twin.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { expectRejection } from '../../support/rejection.ts';

const gpus = await testGpus();

/** Which of `size` elements each of `sites` dropouts in one list keeps, for each (seed, step). */
async function masksOf(
  gpu: Gpu,
  { rate, size, sites = 1 }: { rate: number; size: number; sites?: number },
  plays: readonly (readonly [seed: number, step: number])[],
): Promise<boolean[][]> {
  const scope = new Scope(gpu);
  const random = scope.tensor({ label: 'random', shape: [2], dtype: 'u32' });
  const recording = new Recording(gpu, { random });
  const x = recording.persistent('x', [size]);
  const results = Array.from({ length: sites }, () => dropout(x, rate));
  const plan = await Plan.create(recording, results);
  plan.write(x, new Float32Array(size).fill(1));
  const masks: boolean[][] = [];
  for (const numbers of plays) {
    plan.write(random, Uint32Array.from(numbers));
    for (const bytes of await plan.play()) {
      const values = new Float32Array(bytes);
      const scale = Math.fround(1 / (1 - rate));
      expect(values.every((value) => value === 0 || value === scale)).toBe(true);
      masks.push(Array.from(values, (value) => value > 0));
    }
  }
  plan.dispose();
  scope.dispose();
  return masks;
}

/** Expects a count of independent events to lie within 5 standard deviations of its mean. */
function expectCount(found: number, trials: number, probability: number, about: string): void {
  const deviation = Math.sqrt(trials * probability * (1 - probability));
  const off = Math.abs(found - trials * probability) / deviation;
  expect(off, `${about}: ${found} of ${trials}, ${off} deviations off`).toBeLessThan(5);
}

test('the bits are those of the hash', () => {
  const given = [
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0xffffffff, 0x9e3779b9, 7, 123456789],
    [42, 1000, 31, 16777215],
  ] as const;
  const wanted = [3542436074, 45698095, 3858071383, 718709405];
  expect(given.map(([seed, step, site, place]) => randomBits(seed, step, site, place))).toEqual(
    wanted,
  );
});

for (const { name, options } of gpus) {
  test(`elements are dropped and scaled as the reference has it, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, shape] of [[1], [63], [8, 8], [5, 13], [7, 11, 13]].entries()) {
        const size = shape.reduce((product, length) => product * length, 1);
        const random = new Random(100 + i);
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const x = bench.input('x', shape, random.values(size));
            const residual = bench.input('residual', shape, random.values(size));
            const rate = [0.1, 0.5, 0.9][i % 3]!;
            const y = dropout(x, rate);
            const dy = bench.input('dy', shape, new Float32Array(size).fill(1));
            const found = gradients(bench.recording, new Map([[y, dy]]), [x], gradientRules);
            const path = dropPath(x, rate, residual);
            const ofPath = gradients(bench.recording, new Map([[path, dy]]), [x], gradientRules);
            return [y, found.get(x)!, dropout(x, rate, { residual }), path, ofPath.get(x)!];
          },
          { seed: i, training: true, random: [0xfffffff0 + i, 2 ** i - 1] },
        );
        // The way back drops exactly what the way there did.
        const [y, dx] = outputs as [Values, Values];
        y.forEach((value, at) => expect(value === 0).toBe(dx[at] === 0));
        // Of a path whole samples are dropped, or none of their elements.
        const dPath = outputs.at(-1) as Values;
        const each = size / shape[0]!;
        dPath.forEach((value, at) => expect(value).toBe(dPath[at - (at % each)]));
      }
    }));

  test(`as many are dropped as the rate says, without a pattern, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const size = 2 ** 15;
      for (const rate of [0.1, 0.5, 0.9]) {
        // Two sites in each of four plays: neighbouring seeds and steps, and distant ones.
        const plays = [
          [0, 0],
          [0, 1],
          [1, 0],
          [2 ** 31, 1e6],
        ] as const;
        const masks = await masksOf(gpu, { rate, size, sites: 2 }, plays);
        for (const [i, mask] of masks.entries()) {
          const about = `mask ${i} at ${rate}`;
          expectCount(mask.filter(Boolean).length, size, 1 - rate, about);
          const agree = rate ** 2 + (1 - rate) ** 2;
          for (const lag of [1, 2, 3, 4, 7, 8, 64, 100, 512, 1024]) {
            const pairs = size - lag;
            const same = mask.filter((kept, at) => at >= lag && kept === mask[at - lag]).length;
            // Neighbouring pairs share an element, which spreads their number a little further.
            expectCount(same, pairs, agree, `${about}, ${lag} apart`);
          }
          for (const [j, other] of masks.slice(0, i).entries()) {
            const same = mask.filter((kept, at) => kept === other[at]).length;
            expectCount(same, size, agree, `${about} and mask ${j}`);
          }
        }
      }
    }));

  test(`one seed and step give one mask, whatever was played between, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const plays = [
        [5, 1],
        [5, 2],
        [5, 1],
      ] as const;
      const [first, second, third] = await masksOf(gpu, { rate: 0.3, size: 999 }, plays);
      expect(first).toEqual(third);
      expect(first).not.toEqual(second);
      expect(first).toEqual(
        first!.map((_, place) => randomBits(5, 1, 0, place) >= Math.round(0.3 * 2 ** 32)),
      );
    }));

  test(`attention drops just the weights that the hash names, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [batches, heads, queries, keys] = [2, 3, 37, 35];
      const rate = 0.4;
      const below = Math.round(rate * 2 ** 32);
      const random = new Random(1);
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const dense = (label: string, rows: number): Float32Array<ArrayBuffer> =>
            label === 'v'
              ? // Each value is a unit vector of its own, so the output is the weights themselves.
                Float32Array.from({ length: batches * rows * heads * keys }, (_, i) =>
                  Number(Math.floor(i / heads / keys) % rows === i % keys),
                )
              : random.values(batches * rows * heads * keys, { scale: 0.3, outliers: 0 });
          const columns = (label: string, rows: number) => ({
            tensor: bench.input(label, [batches, rows, heads * keys], dense(label, rows)),
            start: 0,
          });
          const flags = new Uint32Array(batches * keys).fill(1);
          const result = attention({
            q: columns('q', queries),
            k: columns('k', keys),
            v: columns('v', keys),
            keyMask: bench.input('mask', [batches, keys], flags),
            heads,
            headSize: keys,
            causal: false,
            dropout: rate,
          });
          return [result.output, result.weights()];
        },
        { random: [77, 13] },
      );
      const [output, weights] = outputs as [Values, Values];
      weights.forEach((weight, place) => {
        const [row, key] = [Math.floor(place / keys), place % keys];
        const [batch, head] = [
          Math.floor(row / queries / heads),
          Math.floor(row / queries) % heads,
        ];
        const at = ((batch * queries + (row % queries)) * heads + head) * keys + key;
        expect(weight).toBeGreaterThan(0);
        expect(output[at] === 0, `${place}`).toBe(randomBits(77, 13, 0, place) < below);
      });
    }));
}

test('without random numbers or at rate 0 nothing is dropped, and nothing is recorded', () =>
  withGpu({}, async (gpu) => {
    for (const [random, rate] of [
      [undefined, 0.5],
      [[1, 2], 0],
    ] as const) {
      const bench = new Bench(gpu, { training: true, ...(random && { random }) });
      const [x, residual] = ['x', 'residual'].map((label) =>
        bench.input(label, [3], new Float32Array(3)),
      );
      expect(dropout(x!, rate)).toBe(x);
      expect(bench.recording.dispatches).toHaveLength(0);
      expect(bench.recording.tape).toHaveLength(0);
      dropout(x!, rate, { residual: residual! });
      const operations = bench.recording.dispatches.map(({ kernel }) => kernel.name);
      expect(operations).toEqual(['add']);
      expect(bench.recording.nextSite()).toBe(0);
      bench.dispose();
    }
    await Promise.resolve();
  }));

test('a rate below 0 or not below 1 is refused, with and without random numbers', () =>
  withGpu({}, async (gpu) => {
    for (const random of [undefined, [1, 2] as const]) {
      const bench = new Bench(gpu, random && { random });
      const x = bench.input('x', [3], new Float32Array(3));
      for (const rate of [-0.1, 1, 1.5, Infinity]) {
        await expectRejection(() => dropout(x, rate), 'OPTION_INVALID', 'dropout', `${rate}`);
      }
      expect(() => dropout(x, Number('half'))).toThrow('at least 0 and below 1');
      bench.dispose();
    }
    const scope = new Scope(gpu);
    const wrong = scope.tensor({ label: 'numbers', shape: [2], dtype: 'f32' });
    expect(() => new Recording(gpu, { random: wrong })).toThrow('u32(2)');
    scope.dispose();
  }));

test('a layer is dropped as a whole, as often as its rate says, and not without random numbers', () =>
  withGpu(gpus[0]!.options, async (gpu) => {
    let dropped = 0;
    for (let step = 0; step < 8; step++) {
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const given = bench.input('given', [5, 13], new Float32Array(65));
          const output = bench.input('output', [5, 13], new Float32Array(65).fill(1));
          return Array.from({ length: 25 }, () => dropLayer(given, output, 0.3));
        },
        { random: [7, step] },
      );
      for (const values of outputs) {
        expect(new Set(values).size).toBe(1);
        dropped += values[0] === 0 ? 1 : 0;
      }
    }
    expectCount(dropped, 200, 0.3, 'layers dropped');
    const bench = new Bench(gpu);
    const output = bench.input('output', [1], Float32Array.of(1));
    expect(dropLayer(output, output, 0.3)).toBe(output);
    bench.dispose();
  }));

test('spans are masked as often as their rate says, within what is no padding', () =>
  withGpu(gpus[0]!.options, async (gpu) => {
    const [rows, columns] = [101, 6];
    const own = [101, 40, 7];
    const counts = own.map(() => 0);
    const plays = 24;
    for (let step = 0; step < plays; step++) {
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const ones = new Float32Array(3 * rows * columns).fill(1);
          const x = bench.input('x', [3, rows, columns], ones);
          const seen = own.flatMap((count) =>
            Array.from({ length: rows }, (_, i) => Number(i < count)),
          );
          const mask = bench.input('mask', [3, rows], Uint32Array.from(seen));
          const fill = bench.input('fill', [columns], Float32Array.from([2, 3, 4, 5, 6, 7]));
          const spans = { rate: 0.25, length: 10, least: 1 };
          return [
            maskSpans(x, spans, { along: 'rows', mask, fill }),
            maskSpans(x, { rate: 0.5, length: 2, least: 0 }, { along: 'columns' }),
          ];
        },
        { random: [3, step] },
      );
      const [byRow, byColumn] = outputs;
      own.forEach((count, sequence) => {
        const all = Array.from(
          { length: rows },
          (_, row) => byRow![(sequence * rows + row) * columns]!,
        );
        expect(all.slice(count).every((value) => value === 1)).toBe(true);
        counts[sequence]! += all.filter((value, row) => value === 2 && all[row - 1] !== 2).length;
        const [first, ...others] = Array.from({ length: rows }, (_, row) =>
          byColumn!
            .slice((sequence * rows + row) * columns, (sequence * rows + row + 1) * columns)
            .join(),
        );
        expect(others.every((row) => row === first)).toBe(true);
        expect(first).toContain('0');
      });
    }
    // 2 or 3 spans of 101 rows, 1 of 40, none of 7, in which no span fits; some touch.
    expect(counts[0]).toBeGreaterThan(1.8 * plays);
    expect(counts[0]).toBeLessThanOrEqual(3 * plays);
    expect(counts[1]).toBe(plays);
    expect(counts[2]).toBe(0);
  }));
