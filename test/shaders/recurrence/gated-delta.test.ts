// The gated delta rule in chunks, in pieces of chunks that go on from others, and of single tokens; and that all of them
// are the recurrence, token by token.
import { expect, test } from 'vitest';
import { type Gpu, TransformerError } from 'webgpu-transformer';
import { Plan } from '../../../src/runtime/plan.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { type DeltaHeads, gatedDelta } from '../../../src/shaders/recurrence/gated-delta.ts';
import { gatedNorm } from '../../../src/shaders/recurrence/gated-norm.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { memoryOf } from '../../support/token-memory.ts';

interface Case extends DeltaHeads {
  readonly batches: number;
  readonly tokens: number;
  /** The place of each sequence's first token, and how many tokens it has of the list's. */
  readonly places?: readonly (readonly [first: number, own: number])[];
}

interface Drawn {
  readonly x: Float32Array<ArrayBuffer>;
  readonly gates: Float32Array<ArrayBuffer>;
  readonly rates: Float32Array<ArrayBuffer>;
}

const before = 3;

function drawn(random: Random, { batches, tokens, ...heads }: Case): Drawn {
  const columns = 2 * heads.keyHeads * heads.keySize + heads.heads * heads.valueSize;
  const values = (count: number) => random.values(count, { outliers: 0 });
  return {
    x: values(batches * tokens * columns),
    gates: values(batches * tokens * (before + 2 * heads.heads + 1)),
    // Nothing is forgotten down to numbers that f32 has not.
    rates: values(2 * heads.heads).map((rate, i) => (i < heads.heads ? rate : rate / 4 - 2)),
  };
}

function rule(bench: Bench, random: Random, given: Case, { x, gates, rates }: Drawn): Tensor[] {
  const { batches, tokens, places, ...heads } = given;
  const memory =
    places &&
    memoryOf(bench, random, {
      tokens,
      places,
      width: heads.heads * heads.keySize * heads.valueSize,
      kept: 2,
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

/** What the first of the tensors is that `build` records. */
async function played(gpu: Gpu, build: (bench: Bench) => Tensor[]): Promise<Float32Array> {
  const bench = new Bench(gpu);
  try {
    const plan = await Plan.create(bench.recording, build(bench));
    for (const [tensor, data] of bench.write) plan.write(tensor, data);
    return new Float32Array((await plan.play())[0]!);
  } finally {
    bench.dispose();
  }
}

/** S ← α S + β k (v - α Sᵀk)ᵀ, y = Sᵀq, in float64. */
function recurrence({ batches, tokens, ...heads }: Case, { x, gates, rates }: Drawn): number[] {
  const { heads: count, keyHeads, keySize, valueSize } = heads;
  const columns = x.length / batches / tokens;
  const pitch = gates.length / batches / tokens;
  const y = Array<number>(batches * tokens * count * valueSize).fill(0);
  for (let group = 0; group < batches * count; group++) {
    const [batch, head] = [Math.floor(group / count), group % count];
    const state = Array.from({ length: keySize }, () => new Float64Array(valueSize));
    for (let token = 0; token < tokens; token++) {
      const row = batch * tokens + token;
      const unit = (part: number): number[] => {
        const at =
          row * columns + (part * keyHeads + Math.floor((head * keyHeads) / count)) * keySize;
        const own = Array.from(x.subarray(at, at + keySize));
        const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 1e-6));
        return own.map((value) => value / length);
      };
      const [query, key] = [unit(0), unit(1)];
      const gate = row * pitch + before + head;
      const rate = 1 / (1 + Math.exp(-gates[gate]!));
      const softplus = Math.log1p(Math.exp(gates[gate + count]! + rates[head]!));
      const stays = Math.exp(-Math.exp(rates[count + head]!) * softplus);
      for (let c = 0; c < valueSize; c++) {
        const value = x[row * columns + 2 * keyHeads * keySize + head * valueSize + c]!;
        const known = key.reduce((sum, k, m) => sum + k * stays * state[m]![c]!, 0);
        let read = 0;
        key.forEach((k, m) => {
          state[m]![c] = stays * state[m]![c]! + k * rate * (value - known);
          read += (query[m]! / Math.sqrt(keySize)) * state[m]![c]!;
        });
        y[(row * count + head) * valueSize + c] = read;
      }
    }
  }
  return y;
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
      ];
      for (const [i, given] of cases.entries()) {
        const [seed, random] = [90 + i, new Random(90 + i)];
        const data = drawn(random, given);
        await expectOperation(gpu, (bench) => rule(bench, random, given, data), { seed });
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
        const y = await played(gpu, (bench) => rule(bench, random, given, data));
        const wanted = recurrence(given, data);
        const largest = Math.max(...wanted.map(Math.abs));
        const error = Math.max(...wanted.map((value, at) => Math.abs(value - y[at]!)));
        expect(y).toHaveLength(wanted.length);
        expect(error / largest).toBeLessThan(2e-5);
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
        await expectOperation(gpu, (bench) => {
          const width = heads * columns;
          const tensor = bench.input('z', [1, tokens, width + 5], values(tokens * (width + 5)));
          const weight = bench.input('weight', [columns], values(columns));
          const x = bench.input('x', [1, tokens, width], values(tokens * width));
          return [gatedNorm(x, { weight, eps: 1e-3, gate: { tensor, start: 4 } })];
        });
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
