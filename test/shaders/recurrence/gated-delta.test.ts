// The gated delta rule in chunks, in pieces of chunks that go on from others, and of single tokens; and that all of them
// are the recurrence, token by token.
import { expect, test } from 'vitest';
import { type Gpu, TransformerError } from 'webgpu-transformer';
import { Plan } from '../../../src/runtime/plan.ts';
import { gradients } from '../../../src/runtime/gradient.ts';
import { elements, type Tensor } from '../../../src/runtime/tensor.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { gatedDelta } from '../../../src/shaders/recurrence/gated-delta.ts';
import { gatedNorm } from '../../../src/shaders/recurrence/gated-norm.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import {
  before,
  type Case,
  type Drawn,
  drawn,
  recurrence,
  slopes,
} from '../../support/delta-rule.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { memoryOf } from '../../support/token-memory.ts';

function rule(bench: Bench, random: Random, given: Case, { x, gates, rates }: Drawn): Tensor[] {
  const { batches, tokens, places, states, ...heads } = given;
  const memory =
    places &&
    memoryOf(bench, random, {
      tokens,
      places,
      width: heads.heads * heads.keySize * heads.valueSize,
      kept: 2,
      states,
    });
  const input = (label: string, data: Float32Array<ArrayBuffer>): Tensor =>
    bench.input(label, [batches, tokens, data.length / batches / tokens], data);
  const options = {
    ...heads,
    gates: { tensor: input('gates', gates), start: before },
    rates: bench.input('rates', [rates.length], rates),
  };
  return [gatedDelta(input('x', x), options, memory)];
}

/** What the tensors are that `build` records. */
async function played(gpu: Gpu, build: (bench: Bench) => Tensor[]): Promise<Float32Array[]> {
  const bench = new Bench(gpu, { training: true });
  try {
    const plan = await Plan.create(bench.recording, build(bench));
    for (const [tensor, data] of bench.write) plan.write(tensor, data);
    return (await plan.play()).map((bytes) => new Float32Array(bytes));
  } finally {
    bench.dispose();
  }
}

/** The gradients of all that the last operation was given, for one of its result. */
function backOf(bench: Bench, [y]: readonly Tensor[], slope: Float32Array<ArrayBuffer>): Tensor[] {
  const { inputs } = bench.recording.tape.at(-1)!;
  const dy = bench.input('dy', y!.shape, slope);
  const wanted = inputs.filter((input) => input !== undefined);
  return [...gradients(bench.recording, new Map([[y!, dy]]), wanted, gradientRules).values()];
}

/** The same, for a drawn one. */
function backwards(bench: Bench, random: Random, y: Tensor): Tensor[] {
  return backOf(bench, [y], random.values(elements(y.shape), { outliers: 0 }));
}

for (const { name, options } of await testGpus()) {
  test(`chunks, pieces and single tokens, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const small = { heads: 3, keyHeads: 3, keySize: 5, valueSize: 7 };
      const shared = { heads: 4, keyHeads: 2, keySize: 6, valueSize: 3 };
      const cases: Case[] = [
        { ...small, batches: 1, tokens: 1 },
        { ...small, batches: 2, tokens: 33 },
        { ...shared, batches: 3, tokens: 71 },
        { heads: 1, keyHeads: 1, keySize: 1, valueSize: 66, batches: 1, tokens: 32 },
        // Over already, not begun, shorter than the list, all of it; across chunks, and within one.
        {
          ...small,
          batches: 4,
          tokens: 9,
          places: [
            [30, 0],
            [0, 7],
            [2, 1],
            [9, 9],
          ],
        },
        {
          ...shared,
          batches: 2,
          tokens: 30,
          places: [
            [1, 30],
            [0, 11],
          ],
        },
        // Steps, of beams among them, and of a sequence that is over.
        {
          ...shared,
          batches: 5,
          tokens: 1,
          places: [
            [9, 1],
            [9, 1],
            [9, 1],
            [31, 0],
            [0, 1],
          ],
        },
        {
          ...small,
          batches: 2,
          tokens: 1,
          places: [
            [4, 1],
            [11, 1],
          ],
        },
        // Among others, with rows that nobody has.
        {
          ...shared,
          batches: 4,
          tokens: 1,
          places: [
            [4, 1],
            [0, 1],
            [0, 1],
            [7, 1],
          ],
          states: [5, 0, null, 2],
        },
        { ...small, batches: 1, tokens: 9, places: [[3, 8]], states: [2] },
      ];
      for (const [i, given] of cases.entries()) {
        const [seed, random] = [90 + i, new Random(90 + i)];
        const data = drawn(random, given);
        await expectOperation(gpu, (bench) => rule(bench, random, given, data), { seed });
      }
    }));

  test(`gradients of chunks, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const cases: Case[] = [
        { heads: 3, keyHeads: 3, keySize: 5, valueSize: 7, batches: 1, tokens: 1 },
        { heads: 2, keyHeads: 1, keySize: 5, valueSize: 3, batches: 2, tokens: 37 },
        { heads: 1, keyHeads: 1, keySize: 2, valueSize: 66, batches: 1, tokens: 3 },
      ];
      for (const [i, given] of cases.entries()) {
        const [seed, random] = [150 + i, new Random(150 + i)];
        const data = drawn(random, given);
        const build = (bench: Bench): Tensor[] =>
          backwards(bench, random, rule(bench, random, given, data)[0]!);
        await expectOperation(gpu, build, { seed, training: true });
      }
    }));

  test(`chunks are the recurrence, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const cases: Case[] = [
        { heads: 2, keyHeads: 1, keySize: 9, valueSize: 5, batches: 2, tokens: 101 },
        // As many as are not done at once: several pieces.
        { heads: 1, keyHeads: 1, keySize: 512, valueSize: 2, batches: 1, tokens: 260 },
      ];
      for (const [i, given] of cases.entries()) {
        const random = new Random(120 + i);
        const data = drawn(random, given);
        const [y] = await played(gpu, (bench) => rule(bench, random, given, data));
        const wanted = recurrence(given, data);
        const largest = Math.max(...wanted.map(Math.abs));
        const error = Math.max(...wanted.map((value, at) => Math.abs(value - y![at]!)));
        expect(y).toHaveLength(wanted.length);
        expect(error / largest).toBeLessThan(2e-5);
      }
    }));

  test(`gradients of pieces are those of the recurrence, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const sizes = { heads: 1, keyHeads: 1, keySize: 512, valueSize: 2 };
      const given: Case = { ...sizes, batches: 1, tokens: 165 };
      const random = new Random(130);
      const data = drawn(random, given);
      const dy = random.values(165 * 2, { outliers: 0 });
      const wanted = slopes(given, data, dy);
      const [dx, dGates] = await played(gpu, (bench) =>
        backOf(bench, rule(bench, random, given, data), dy),
      );
      const found = wanted.map((_, token) => [
        ...dx!.subarray(token * 1026 + 1024, (token + 1) * 1026),
        ...dGates!.subarray(token * 6 + before, token * 6 + before + 2),
      ]);
      const largest = [0, 1, 2, 3].map((c) => Math.max(...wanted.map((row) => Math.abs(row[c]!))));
      for (const [token, row] of wanted.entries()) {
        for (const [c, value] of row.entries()) {
          expect(Math.abs(found[token]![c]! - value) / largest[c]!).toBeLessThan(2e-5);
        }
      }
    }));

  test(`norms that gates follow, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [tokens, heads, columns] of [
        [1, 1, 1],
        [5, 3, 67],
        [2, 2, 128],
      ] as const) {
        const random = new Random(140 + tokens);
        const values = (count: number) => random.values(count, { outliers: 0 });
        await expectOperation(
          gpu,
          (bench) => {
            const width = heads * columns;
            const tensor = bench.input('z', [1, tokens, width + 5], values(tokens * (width + 5)));
            const weight = bench.input('weight', [columns], values(columns));
            const x = bench.input('x', [1, tokens, width], values(tokens * width));
            const y = gatedNorm(x, { weight, eps: 1e-3, gate: { tensor, start: 4 } });
            return [y, ...backwards(bench, random, y)];
          },
          { training: true },
        );
      }
    }));
}

test('sizes that do not fit are refused', () =>
  withGpu({}, async (gpu) => {
    const fits: Case = { heads: 2, keyHeads: 1, keySize: 3, valueSize: 4, batches: 1, tokens: 2 };
    const data = drawn(new Random(1), fits);
    for (const wrong of [{ valueSize: 5 }, { heads: 3, keyHeads: 2 }, { heads: 1 }]) {
      const build = (bench: Bench) => rule(bench, new Random(1), { ...fits, ...wrong }, data);
      await expect(expectOperation(gpu, build)).rejects.toThrow(TransformerError);
    }
  }));
