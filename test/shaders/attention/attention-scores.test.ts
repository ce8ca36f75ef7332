// What else shapes an attention: shared heads, biases by distance, windows, bounded scores, caches.
import { test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { hiddenRow } from '../../../src/model/generation/decoding.ts';
import {
  attentionCross,
  attentionDecode,
} from '../../../src/shaders/attention/attention-decode.ts';
import { attention, type ScoreOptions } from '../../../src/shaders/attention/attention.ts';
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
}

const kinds: Readonly<Record<string, Scores>> = {
  'heads shared by three': { group: 3 },
  'a bias by distance': { reach: 4 },
  'a bias past every distance, not scaled': { reach: 40, scale: 1 },
  'a window': { window: 5 },
  'a window of one': { window: 1 },
  'a window past a block': { window: 33 },
  'bounded scores': { softcap: 0.75 },
  'all of it': { group: 2, reach: 3, scale: 0.5, softcap: 2, window: 11 },
};

const [batches, headSize] = [2, 5];

/** Heads and options for `attention`, with a drawn bias. */
function optionsOf(bench: Bench, random: Random, kind: Scores): ScoreOptions {
  const { group = 1, reach, ...rest } = kind;
  const [keyValueHeads, heads] = [2, 2 * group];
  if (reach === undefined) return { heads, keyValueHeads, headSize, ...rest };
  const rows = 2 * reach + 1;
  const bias = bench.input('bias', [rows, heads], random.values(rows * heads, { outliers: 0 }));
  return { heads, keyValueHeads, headSize, ...rest, bias };
}

function dense(bench: Bench, random: Random, label: string, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return bench.input(label, shape, random.values(size, { outliers: 0 }));
}

/** The first row's slot in decoding, which only it may see: it is written in the same dispatch. */
const firstSlot = 9;

/** Every third key lies in the first row; the other sequences have padding in front. */
function cacheRows(bench: Bench, count: number, capacity: number): Tensor {
  const rows = Uint32Array.from({ length: count * capacity }, (_, n) => {
    const [row, slot] = [Math.floor(n / capacity), n % capacity];
    if (slot < row) return hiddenRow;
    return slot % 3 === 0 && slot !== firstSlot ? 0 : row;
  });
  return bench.input('rows', [count, capacity], rows);
}

async function expectSequences(
  gpu: Gpu,
  seed: number,
  kind: Scores,
  length: number,
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
      const causal = kind.window !== undefined || seed % 2 === 0;
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
            const at = (label: string, rows: number, columns: number) => ({
              tensor: dense(bench, random, label, [batches, rows, columns]),
              start: 0,
            });
            // Sequences hold unlike numbers of tokens already: each begins at a slot of its own.
            const places = Uint32Array.from({ length: batches * tokens * 2 }, (_, n) => {
              const batch = Math.floor(n / 2 / tokens);
              return n % 2 === 0 ? 77 : first - 3 * batch + (Math.floor(n / 2) % tokens);
            });
            const { output } = attention({
              q: at('q', tokens, scores.heads * headSize),
              k: at('k', capacity, 2 * headSize),
              v: at('v', capacity, 2 * headSize),
              keyMask: cacheRows(bench, batches, capacity),
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
            const cache = {
              k: dense(bench, random, 'k', [3, capacity, keyWidth]),
              v: dense(bench, random, 'v', [3, capacity, keyWidth]),
            };
            const projections = dense(bench, random, 'x', [3, 1, width + 2 * keyWidth]);
            const slots = Uint32Array.of(0, firstSlot, 3, 3, 7, 67);
            const where = {
              place: bench.input('place', [3, 1, 2], slots),
              rows: cacheRows(bench, 3, capacity),
            };
            const starts = appends ? { q: 0, k: width, v: width + keyWidth } : { q: 0 };
            const y = attentionDecode({ projections, starts, cache, ...where, ...scores });
            return [y, cache.k];
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
          const tensor = dense(bench, random, 'kv', [batches, keys, 2 * width]);
          const mask = Uint32Array.from({ length: batches * keys }, (_, n) => (n % 5 ? 1 : 0));
          return [
            attentionCross({
              q: { tensor: dense(bench, random, 'q', [batches * beams, 1, width]), start: 0 },
              k: { tensor, start: 0 },
              v: { tensor, start: width },
              keyMask: bench.input('mask', [batches, keys], mask),
              heads,
              headSize,
            }),
          ];
        },
        { seed: 400 },
      );
    }));
}
