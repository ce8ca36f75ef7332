// Projections taken apart into heads, against float64, and the rotation against plain trigonometry.
import { expect, test } from 'vitest';
import { type Gpu, TransformerError } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { hiddenSlot } from '../../../src/shaders/attention/decode/attention-decode.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { rotaryTurns } from '../../../src/shaders/attention/heads/rotary-turns.ts';
import { splitHeads } from '../../../src/shaders/attention/heads/split-heads.ts';

const gpus = await testGpus();

interface Case {
  readonly batches: number;
  readonly tokens: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Pairs of columns that rotate; none when absent. */
  readonly pairs?: number;
  readonly scale?: number;
  /** Whether neighbours rotate together. */
  readonly neighbours?: boolean;
  /** What the norm adds to its weights; no norm when absent. */
  readonly offset?: number;
  /** Whether the norm is of all heads together. */
  readonly wide?: boolean;
  /** Whether values are normalized, too. */
  readonly values?: boolean;
  /** Whether the projections of keys are those of values. */
  readonly keysAreValues?: boolean;
  /** β of a factor of queries by position. */
  readonly beta?: number;
  /** Whether heads of q, k and v come by turns. */
  readonly interleaved?: boolean;
  /** Capacity of the cache; fresh keys and values when absent. */
  readonly capacity?: number;
  /** What the cache is stored in; f32 when absent. */
  readonly dtype?: 'f16';
}

function build(bench: Bench, random: Random, given: Case): readonly Tensor[] {
  const { batches, tokens, keyValueHeads, headSize, pairs, scale = 1, offset, capacity } = given;
  const { neighbours = false } = given;
  const count = batches * tokens;
  const width = (given.heads + 2 * keyValueHeads) * headSize;
  const projected = given.keysAreValues ? width - keyValueHeads * headSize : width;
  // Slots are drawn without repetition for each sequence; some lie past the end of the cache.
  const place = Uint32Array.from({ length: 2 * count }, (_, i) => {
    const token = i >> 1;
    return i % 2 === 0 ? random.integer(0, 131071) : (2 * (token % tokens) + 3) % (2 * tokens + 1);
  });
  const cacheOf = (own: number): { cache: Tensor; table: Tensor; spill?: Tensor } => {
    // Every slot but two has a place, in an order of its own; some places have none.
    const slots = batches * own + 2;
    const columns = 2 * keyValueHeads * headSize;
    const table = Uint32Array.from({ length: batches * own }, (_, i) =>
      i % 5 === 3 ? hiddenSlot : slots - 2 - i,
    );
    const values = random.values(slots * columns);
    return {
      ...(given.dtype === 'f16'
        ? {
            cache: bench.recording.use(bench.weight([slots, columns], values, 'f16')),
            spill: bench.input('spill', [1], new Uint32Array(1)),
          }
        : { cache: bench.input('cache', [slots, columns], values) }),
      table: bench.input('table', [batches, own], table),
    };
  };
  const frequencies = Array.from({ length: pairs ?? 0 }, (_, i) => 1e4 ** (-i / (pairs ?? 1)));
  const normed = given.wide ? given.heads + keyValueHeads : 2;
  const cached = capacity === undefined ? undefined : cacheOf(capacity);
  const weight =
    offset === undefined
      ? undefined
      : bench.input('weight', [normed * headSize], random.values(normed * headSize));
  const projections = bench.input(
    'projections',
    [batches, tokens, projected],
    random.values(count * projected),
  );
  const heads = splitHeads({
    projections,
    interleaved: given.interleaved,
    keysAreValues: given.keysAreValues,
    ...(given.beta !== undefined && { sharpness: { beta: given.beta, period: 4096 } }),
    place: bench.input('place', [batches, tokens, 2], place),
    heads: given.heads,
    keyValueHeads,
    headSize,
    ...(pairs !== undefined && {
      rotary: {
        turns: bench.input('turns', [pairs, 2], rotaryTurns(frequencies)),
        scale,
        neighbours,
      },
    }),
    ...(weight !== undefined && {
      headNorm: {
        weight,
        eps: 1e-6,
        offset: offset ?? 0,
        wide: given.wide ?? false,
        values: given.values ?? false,
      },
    }),
    ...cached,
  });
  const ownWidth = cached === undefined ? width : given.heads * headSize;
  expect(heads.shape).toEqual([batches, tokens, ownWidth]);
  if (!bench.recording.training) return cached === undefined ? [heads] : [heads, cached.cache];
  const dy = bench.input('dy', heads.shape, random.values(count * width));
  const wanted = [projections, ...(weight === undefined ? [] : [weight])];
  return [...gradients(bench.recording, new Map([[heads, dy]]), wanted, gradientRules).values()];
}

/** q of one head of two columns at each position: the unit vector (1, 0) after its rotation. */
async function rotated(
  gpu: Gpu,
  frequency: number,
  positions: readonly number[],
): Promise<readonly number[]> {
  const count = positions.length;
  const { outputs } = await expectOperation(gpu, (bench) => {
    const projections = Float32Array.from({ length: 6 * count }, (_, i) => Number(i % 6 === 0));
    const place = Uint32Array.from(positions.flatMap((position) => [position, 0]));
    const given = {
      projections: bench.input('projections', [1, count, 6], projections),
      place: bench.input('place', [1, count, 2], place),
      rotary: { turns: bench.input('turns', [1, 2], rotaryTurns([frequency])), scale: 1 },
      heads: 1,
      keyValueHeads: 1,
      headSize: 2,
    };
    return [splitHeads(given)];
  });
  // The two columns of q, of every six.
  return [...outputs[0]!].filter((_, i) => i % 6 < 2);
}

for (const { name, options } of gpus) {
  test(`drawn shapes with everything switched on and off, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (let i = 0; i < 16; i++) {
        const random = new Random(100 + i);
        const [batches, tokens, group] = random.unlikePrimes(3, 7) as [number, number, number];
        const keyValueHeads = random.integer(1, 3);
        const headSize = random.integer(2, i % 4 === 0 ? 150 : 20);
        const given: Case = {
          batches,
          tokens,
          heads: keyValueHeads * group,
          keyValueHeads,
          headSize,
          ...(i % 4 > 0 && { pairs: random.integer(1, headSize >> 1), scale: i % 2 ? 1 : 1.3 }),
          neighbours: i % 3 === 2,
          ...(i % 8 > 3 && { offset: i % 3 === 0 ? 1 : 0 }),
          ...(i > 7 && { capacity: 2 * tokens - 1 }),
        };
        await expectOperation(gpu, (bench) => build(bench, random, given), { seed: 100 + i });
      }
    }));

  test(`heads by turns, and norms of all heads, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shape = { batches: 2, tokens: 3, heads: 5, keyValueHeads: 5, headSize: 7, pairs: 2 };
      const uneven = { ...shape, heads: 6, keyValueHeads: 2, headSize: 9, offset: 0, wide: true };
      for (const [i, given] of [
        { ...shape, interleaved: true },
        { ...shape, interleaved: true, pairs: 3, capacity: 5 },
        uneven,
        { ...uneven, headSize: 34, capacity: 5 },
        { ...shape, beta: 0.3, capacity: 5 },
      ].entries()) {
        await expectOperation(gpu, (bench) => build(bench, new Random(70 + i), given), {
          seed: 70 + i,
        });
      }
    }));

  test(`gradients with everything switched on and off, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (let i = 0; i < 12; i++) {
        const random = new Random(200 + i);
        const [batches, tokens, group] = random.unlikePrimes(3, 7) as [number, number, number];
        const keyValueHeads = random.integer(1, 3);
        const headSize = random.integer(2, i % 4 === 0 ? 150 : 20);
        const interleaved = i > 8;
        const given: Case = {
          batches,
          tokens,
          heads: interleaved ? keyValueHeads : keyValueHeads * group,
          keyValueHeads,
          headSize,
          interleaved,
          ...(i % 4 > 0 && { pairs: random.integer(1, headSize >> 1), scale: i % 2 ? 1 : 1.3 }),
          neighbours: i % 3 === 2,
          ...(i % 5 > 1 && { offset: i % 3 === 0 ? 1 : 0 }),
          wide: i === 3 || i === 4 || i === 8,
          ...(i % 6 === 5 && { beta: 0.3 }),
        };
        await expectOperation(gpu, (bench) => build(bench, random, given), {
          seed: 200 + i,
          training: true,
        });
      }
    }));

  test(`norms of values, keys that are values, and queries alone, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shape = { batches: 2, tokens: 3, heads: 6, keyValueHeads: 2, headSize: 7, pairs: 3 };
      const normed = { ...shape, offset: 0, values: true };
      for (const [i, given] of [
        normed,
        { ...normed, capacity: 5 },
        { ...normed, headSize: 66, pairs: 33, keysAreValues: true },
        { ...normed, keysAreValues: true, capacity: 5 },
        { ...shape, keysAreValues: true },
        {
          ...normed,
          headSize: 8,
          pairs: 4,
          keysAreValues: true,
          capacity: 5,
          dtype: 'f16' as const,
        },
        { ...normed, keyValueHeads: 0 },
      ].entries()) {
        const seed = 80 + i;
        await expectOperation(gpu, (bench) => build(bench, new Random(seed), given), { seed });
        if ('capacity' in given) continue;
        await expectOperation(gpu, (bench) => build(bench, new Random(seed), given), {
          seed,
          training: true,
        });
      }
    }));

  test(`one token, heads of 64 that rotate as a whole, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const given = { batches: 1, tokens: 1, heads: 9, keyValueHeads: 3, headSize: 64, pairs: 32 };
      await expectOperation(gpu, (bench) => build(bench, new Random(7), { ...given, capacity: 5 }));
    }));

  test(`a cache in f16, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shape = { batches: 2, tokens: 3, heads: 6, keyValueHeads: 2, capacity: 5 };
      for (const [i, given] of [
        { headSize: 6 },
        { headSize: 20, pairs: 10 },
        { headSize: 18, pairs: 4, offset: 1 },
        { headSize: 8, pairs: 3, neighbours: true },
        { headSize: 2, pairs: 1 },
      ].entries()) {
        await expectOperation(
          gpu,
          (bench) => build(bench, new Random(50 + i), { ...shape, ...given, dtype: 'f16' }),
          { seed: 50 + i },
        );
      }
    }));

  test(`angles stay exact at large positions, ${name}`, () =>
    withGpu(options, async (gpu) => {
      // A period that no power of two divides, quarter turns from both sides, and the last places.
      const positions = [0, 1, 2, 3, 4, 5, 6, 355, 4095, 65536, 103993, 131070, 131071, 1048575];
      for (const frequency of [1, 0.75, 0.1, 1e-3, 1e-7, 2 * Math.PI - 1]) {
        const got = await rotated(gpu, frequency, positions);
        for (const [i, position] of positions.entries()) {
          const angle = position * Math.fround(frequency);
          expect(Math.abs(got[2 * i]! - Math.cos(angle))).toBeLessThan(5e-7);
          expect(Math.abs(got[2 * i + 1]! - Math.sin(angle))).toBeLessThan(5e-7);
        }
      }
    }));
}

test('what does not fit together is refused', () =>
  withGpu({}, async (gpu) => {
    const fits = { batches: 1, tokens: 2, heads: 4, keyValueHeads: 2, headSize: 6 };
    const refuse = async (change: (bench: Bench) => object, about: RegExp): Promise<void> => {
      const error: unknown = await expectOperation(gpu, (bench) => {
        const given = {
          projections: bench.input('projections', [1, 2, 48], new Float32Array(96)),
          place: bench.input('place', [1, 2, 2], new Uint32Array(4)),
          ...fits,
        };
        return [splitHeads({ ...given, ...change(bench) })];
      }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TransformerError);
      expect(error).toMatchObject({ code: 'TENSOR_MISMATCH' });
      expect((error as Error).message).toMatch(about);
    };
    await refuse(() => ({ heads: 5 }), /projections .* should have 108 elements/);
    await refuse(
      (bench) => ({
        rotary: { turns: bench.input('turns', [4, 2], new Uint32Array(8)), scale: 1 },
      }),
      /turns .* should have 6 elements/,
    );
    await refuse(
      (bench) => ({
        headNorm: { weight: bench.input('weight', [6], new Float32Array(6)), eps: 0, offset: 0 },
      }),
      /weight .* should have 12 elements/,
    );
  }));
