// What else shapes an attention: shared heads, biases by distance, windows, bounded scores, caches.
import { test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import {
  attentionDecode,
  hiddenSlot,
} from '../../../src/shaders/attention/decode/attention-decode.ts';
import type { ScoreOptions } from '../../../src/shaders/attention/attention-score.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { type Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

interface Scores {
  readonly group?: number;
  /** Distances with a bias of their own. */
  readonly reach?: number;
  readonly scale?: number;
  readonly softcap?: number;
  readonly window?: number;
  /** What else there is of each head. */
  readonly of?: 'slopes' | 'sinks';
}

const kinds: Readonly<Record<string, Scores>> = {
  'heads shared by three': { group: 3 },
  'a bias by distance': { reach: 4 },
  'a bias past every distance, not scaled': { reach: 40, scale: 1 },
  'a window': { window: 5 },
  'a window of one': { window: 1 },
  'a window past a block': { window: 33 },
  'bounded scores': { softcap: 0.75 },
  'a bias by slopes': { of: 'slopes', window: 13 },
  'a sink': { of: 'sinks', group: 3 },
  'a sink, and a window': { of: 'sinks', window: 3, softcap: 3 },
  'all of it': { group: 2, reach: 3, scale: 0.5, softcap: 2, window: 11 },
};

const [batches, headSize] = [2, 5];

/** Heads and options for `attention`, with a drawn bias. */
function optionsOf(bench: Bench, random: Random, kind: Scores): ScoreOptions {
  const { group = 1, reach, of, ...rest } = kind;
  const [keyValueHeads, heads] = [2, 2 * group];
  const each = of && { [of]: dense(bench, random, of, [heads]) };
  if (reach === undefined) return { heads, keyValueHeads, headSize, ...rest, ...each };
  const rows = 2 * reach + 1;
  const bias = bench.input('bias', [rows, heads], random.values(rows * heads, { outliers: 0 }));
  return { heads, keyValueHeads, headSize, ...rest, bias };
}

function dense(bench: Bench, random: Random, label: string, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return bench.input(label, shape, random.values(size, { outliers: 0 }));
}

/** Each row's place in decoding, which only it may see: it is written in the same dispatch. */
const newPlaces = [9, 3, 67];

/** Every third key is one of the first row's; the other sequences have padding in front. */
function blockTable(bench: Bench, count: number, capacity: number): Tensor {
  const table = Uint32Array.from({ length: count * capacity }, (_, n) => {
    const [row, place] = [Math.floor(n / capacity), n % capacity];
    if (place < row) return hiddenSlot;
    const owner = place % 3 === 0 && !newPlaces.includes(place) ? 0 : row;
    // The slots of a row stand in reverse order.
    return (owner + 1) * capacity - 1 - place;
  });
  return bench.input('table', [count, capacity], table);
}

async function expectSequences(
  gpu: Gpu,
  seed: number,
  kind: Scores,
  length: number,
  causal: boolean = kind.window !== undefined || seed % 2 === 0,
): Promise<void> {
  const random = new Random(seed);
  await expectOperation(
    gpu,
    (bench) => {
      const options = optionsOf(bench, random, kind);
      const [width, keyWidth] = [options.heads * headSize, 2 * headSize];
      const tensor = dense(bench, random, 'qkv', [batches, length, width + 2 * keyWidth + 1]);
      const [q, k, v] = [0, width, width + keyWidth + 1].map((start) => ({ tensor, start }));
      const mask = Uint32Array.from({ length: batches * length }, (_, n) => (n % 7 === 4 ? 0 : 1));
      const keyMask = bench.input('mask', [batches, length], mask);
      const result = attention({ q: q!, k: k!, v: v!, keyMask, ...options, causal });
      return [result.output, result.weights()];
    },
    { seed },
  );
}

for (const { name, options } of await testGpus()) {
  test(`whole sequences, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 100;
      for (const kind of Object.values(kinds)) {
        await expectSequences(gpu, seed++, kind, 9);
        await expectSequences(gpu, seed++, kind, 41);
      }
    }));

  test(`windows that reach both ways, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 150;
      for (const window of [1, 5, 11, 33]) {
        for (const length of [9, 71]) await expectSequences(gpu, seed++, { window }, length, false);
      }
    }));

  test(`several new tokens over a cache, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 200;
      for (const kind of Object.values(kinds)) {
        const random = new Random(seed);
        const [tokens, capacity, first] = seed % 2 === 0 ? [5, 17, 9] : [35, 70, 20];
        await expectOperation(
          gpu,
          (bench) => {
            const scores = optionsOf(bench, random, kind);
            const width = scores.heads * headSize;
            const q = { tensor: dense(bench, random, 'q', [batches, tokens, width]), start: 0 };
            const slots = [batches * capacity, 4 * headSize];
            const cache = { tensor: dense(bench, random, 'cache', slots), start: 0 };
            // Sequences hold unlike numbers of tokens already: each begins at a slot of its own.
            const places = Uint32Array.from({ length: batches * tokens * 2 }, (_, n) => {
              const batch = Math.floor(n / 2 / tokens);
              return n % 2 === 0 ? 77 : first - 3 * batch + (Math.floor(n / 2) % tokens);
            });
            const { output } = attention({
              q,
              k: cache,
              v: { ...cache, start: 2 * headSize },
              table: blockTable(bench, batches, capacity),
              place: bench.input('place', [batches, tokens, 2], places),
              ...scores,
              causal: true,
            });
            return [output];
          },
          { seed: seed++ },
        );
      }
    }));

  test(`one new token over a cache, ${name}`, () =>
    withGpu(options, async (gpu) => {
      let seed = 300;
      for (const [index, kind] of [...Object.values(kinds), ...Object.values(kinds)].entries()) {
        const random = new Random(seed);
        const appends = index < Object.keys(kinds).length;
        const capacity = 70;
        await expectOperation(
          gpu,
          (bench) => {
            const scores = optionsOf(bench, random, kind);
            const [width, keyWidth] = [scores.heads * headSize, 2 * headSize];
            const cache = dense(bench, random, 'cache', [3 * capacity, 2 * keyWidth]);
            const projections = dense(bench, random, 'x', [3, 1, width + 2 * keyWidth]);
            const places = Uint32Array.from(newPlaces.flatMap((place) => [7, place]));
            const where = {
              place: bench.input('place', [3, 1, 2], places),
              table: blockTable(bench, 3, capacity),
            };
            const starts = appends ? { q: 0, k: width, v: width + keyWidth } : { q: 0 };
            const y = attentionDecode({ projections, starts, cache, ...where, ...scores });
            return [y, cache];
          },
          { seed: seed++ },
        );
      }
    }));

  test(`sequences that share a source, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(400);
      const [heads, beams, keys] = [3, 4, 11];
      const width = heads * headSize;
      await expectOperation(
        gpu,
        (bench) => {
          const rows = batches * beams;
          const table = Uint32Array.from({ length: rows * keys }, (_, n) =>
            n % 5 === 0 ? hiddenSlot : Math.floor(n / keys / beams) * keys + (n % keys),
          );
          const seen = {
            cache: dense(bench, random, 'kv', [batches, keys, 2 * width]),
            table: bench.input('table', [rows, keys], table),
          };
          const one = dense(bench, random, 'q', [rows, 1, width]);
          const several = { tensor: dense(bench, random, 'qs', [rows, 3, width]), start: 0 };
          return [
            attentionDecode({ projections: one, starts: { q: 0 }, ...seen, heads, headSize }),
            attention({
              q: several,
              k: { tensor: seen.cache, start: 0 },
              v: { tensor: seen.cache, start: width },
              table: seen.table,
              heads,
              headSize,
              causal: false,
            }).output,
          ];
        },
        { seed: 400 },
      );
    }));
}
