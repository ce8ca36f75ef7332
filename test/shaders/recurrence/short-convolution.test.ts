// Short convolutions over whole sequences, over pieces that go on from others, and over single tokens.
import { expect, test } from 'vitest';
import { TransformerError } from 'webgpu-transformer';
import { gradients, type TapeEntry } from '../../../src/runtime/gradient.ts';
import { elements, type Tensor } from '../../../src/runtime/tensor.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import { hideRows } from '../../../src/shaders/recurrence/hide-rows.ts';
import {
  shortConvolution,
  type ShortConvolution,
} from '../../../src/shaders/recurrence/short-convolution.ts';
import type { TokenMemory } from '../../../src/shaders/recurrence/token-memory.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { memoryOf } from '../../support/token-memory.ts';

interface Case {
  readonly batches: number;
  readonly tokens: number;
  readonly channels: number;
  readonly size: number;
  /** Columns of x behind those that count. */
  readonly beside?: number;
  readonly options?: Pick<ShortConvolution, 'isGated' | 'activation'> & { readonly bias?: boolean };
  /** The place of each sequence's first token, and how many tokens it has of the list's. */
  readonly places?: readonly (readonly [first: number, own: number])[];
  /** Whose rows of the cache are whose. */
  readonly states?: readonly (number | null)[];
}

function convolution(bench: Bench, random: Random, given: Case): Tensor[] {
  const { batches, tokens, channels, size, beside = 0, options = {}, places, states } = given;
  const { bias = false, isGated = false } = options;
  const drawn = (label: string, ...shape: number[]): Tensor =>
    bench.input(
      label,
      shape,
      random.values(
        shape.reduce((a, b) => a * b, 1),
        { outliers: 0 },
      ),
    );
  const x = drawn('x', batches, tokens, channels * (isGated ? 3 : 1) + beside);
  const weights = {
    ...options,
    weight: drawn('weight', channels, size),
    bias: bias ? drawn('bias', channels) : undefined,
  };
  const memory: TokenMemory | undefined =
    places && memoryOf(bench, random, { tokens, places, width: channels, kept: size, states });
  const seen = memory === undefined ? x : hideRows(x, memory);
  return [shortConvolution(seen, weights, memory)];
}

const cases: Case[] = [
  { batches: 1, tokens: 1, channels: 3, size: 3 },
  {
    batches: 2,
    tokens: 67,
    channels: 13,
    size: 4,
    beside: 7,
    options: { activation: 'silu' },
  },
  { batches: 3, tokens: 5, channels: 70, size: 7, options: { isGated: true, bias: true } },
  {
    batches: 1,
    tokens: 2,
    channels: 5,
    size: 1,
    beside: 2,
    options: { isGated: true, activation: 'gelu' },
  },
  // Longer than what is kept, shorter, over already, and not begun.
  {
    batches: 4,
    tokens: 9,
    channels: 11,
    size: 4,
    options: { isGated: true, bias: true },
    places: [
      [5, 9],
      [1, 2],
      [30, 0],
      [0, 7],
    ],
  },
  {
    batches: 2,
    tokens: 3,
    channels: 6,
    size: 8,
    places: [
      [4, 3],
      [2, 1],
    ],
  },
  // Steps, of beams among them, and of a sequence that is over.
  {
    batches: 5,
    tokens: 1,
    channels: 23,
    size: 3,
    options: { activation: 'silu' },
    places: [
      [9, 1],
      [9, 1],
      [9, 1],
      [30, 0],
      [0, 1],
    ],
  },
  {
    batches: 2,
    tokens: 1,
    channels: 8,
    size: 5,
    options: { isGated: true },
    places: [
      [3, 1],
      [7, 1],
    ],
  },
  // Among others, with rows that nobody has.
  {
    batches: 4,
    tokens: 1,
    channels: 9,
    size: 3,
    options: { activation: 'silu' },
    places: [
      [6, 1],
      [0, 1],
      [0, 1],
      [11, 1],
    ],
    states: [4, 1, null, 2],
  },
  {
    batches: 1,
    tokens: 7,
    channels: 6,
    size: 4,
    options: { isGated: true },
    places: [[5, 6]],
    states: [3],
  },
];

for (const { name, options } of await testGpus()) {
  test(`whole sequences, pieces and single tokens, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, given] of cases.entries()) {
        const seed = 70 + i;
        await expectOperation(gpu, (bench) => convolution(bench, new Random(seed), given), {
          seed,
        });
      }
    }));

  test(`gradients, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const whole = cases.filter(({ places }) => places === undefined);
      for (const [i, given] of whole.entries()) {
        const [seed, random] = [80 + i, new Random(80 + i)];
        const build = (bench: Bench): Tensor[] => {
          const [y] = convolution(bench, random, given);
          const [{ inputs }] = bench.recording.tape as [TapeEntry];
          const dy = bench.input('dy', y!.shape, random.values(elements(y!.shape)));
          const wanted = inputs.filter((input) => input !== undefined);
          return [
            ...gradients(bench.recording, new Map([[y!, dy]]), wanted, gradientRules).values(),
          ];
        };
        await expectOperation(gpu, build, { seed, training: true });
      }
    }));
}

test('sizes that do not fit are refused', () =>
  withGpu({}, async (gpu) => {
    const build = (given: Case, kept: number) => (bench: Bench) => {
      const random = new Random(1);
      const memory = memoryOf(bench, random, { tokens: 1, places: [[2, 1]], width: 4, kept });
      const x = bench.input('x', [1, 1, given.beside ?? 0], new Float32Array(given.beside ?? 0));
      const weight = bench.input('weight', [4, given.size], new Float32Array(4 * given.size));
      return [shortConvolution(x, { weight, isGated: given.options?.isGated ?? false }, memory)];
    };
    const shape = { batches: 1, tokens: 1, channels: 4 };
    for (const [given, kept] of [
      [{ ...shape, size: 3, beside: 3 }, 3],
      [{ ...shape, size: 3, beside: 11, options: { isGated: true } }, 3],
      [{ ...shape, size: 3, beside: 4 }, 2],
    ] as const) {
      await expect(expectOperation(gpu, build(given, kept))).rejects.toThrow(TransformerError);
    }
  }));
