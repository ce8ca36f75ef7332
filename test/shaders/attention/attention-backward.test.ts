// The gradient of attention, against float64.
import { expect, test } from 'vitest';
import type { Gpu } from 'webgpu-transformer';
import { gradients } from '../../../src/runtime/gradient.ts';
import type { Tensor } from '../../../src/runtime/tensor.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { gradientRules } from '../../../src/shaders/gradients.ts';
import type { Values } from '../../reference/twin.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random, type ValueOptions } from '../../support/random.ts';

const gpus = await testGpus();

interface Case {
  readonly batches?: number;
  readonly heads?: number;
  readonly queries: number;
  /** The number of keys; one tensor then holds q, another k and v. Absent: one tensor for all. */
  readonly keys?: number;
  readonly headSize: number;
  readonly causal?: boolean;
  /** 0 = padding, for (batches, keys); all 1 when absent. */
  readonly mask?: (batch: number, key: number) => boolean;
  readonly values?: ValueOptions;
  /** Rate of dropout; none when absent. */
  readonly dropout?: number;
  /** Heads of k and v; as many as of q when absent. */
  readonly keyValueHeads?: number;
  readonly softcap?: number;
  readonly window?: number;
  /** Whether each head has a key without a value. */
  readonly sinks?: boolean;
  /** Whether scores fall by distance. */
  readonly slopes?: boolean;
}

/** Checks both halves on drawn values; returns the gradients of q (or q, k, v), and of k and v. */
async function expectAttentionGradient(
  gpu: Gpu,
  seed: number,
  options: Case,
): Promise<{ outputs: Values[]; kernels: string[] }> {
  const { batches = 2, heads = 3, queries, headSize, causal = false } = options;
  const { keys = queries, mask = () => true, values = { outliers: 0 }, dropout = 0 } = options;
  const { keyValueHeads = heads, softcap, window } = options;
  const random = new Random(seed);
  const [width, keyWidth] = [heads * headSize, keyValueHeads * headSize];
  const { outputs, kernels } = await expectOperation(
    gpu,
    (bench) => {
      const input = (label: string, rows: number, columns: number): Tensor =>
        bench.input(
          label,
          [batches, rows, columns],
          random.values(batches * rows * columns, values),
        );
      const isFused = options.keys === undefined;
      const q = input('q', queries, isFused ? width + 2 * keyWidth : width);
      const kv = isFused ? q : input('kv', keys, 2 * keyWidth);
      const flags = Uint32Array.from({ length: batches * keys }, (_, i) =>
        Number(mask(Math.floor(i / keys), i % keys)),
      );
      const own = (label: string): Tensor => bench.input(label, [heads], random.values(heads));
      const sinks = options.sinks ? own('sinks') : undefined;
      const { output } = attention({
        q: { tensor: q, start: 0 },
        // Where k and v stand without q, v comes first.
        k: { tensor: kv, start: isFused ? width : keyWidth },
        v: { tensor: kv, start: isFused ? width + keyWidth : 0 },
        keyMask: bench.input('mask', [batches, keys], flags),
        heads,
        headSize,
        keyValueHeads,
        softcap,
        window,
        sinks,
        slopes: options.slopes ? own('slopes') : undefined,
        causal,
        dropout,
      });
      const dy = input('dy', queries, width);
      const wanted = [q, ...(isFused ? [] : [kv]), ...(sinks ? [sinks] : [])];
      return [
        ...gradients(bench.recording, new Map([[output, dy]]), wanted, gradientRules).values(),
      ];
    },
    { seed, training: true, random: [seed, 3] },
  );
  const operations = kernels.map(({ kernel }) => kernel.operation);
  while (operations.at(-1) === 'column-sum') operations.pop();
  const backward = ['delta', 'query', 'key'].map((part) => `attention-backward-${part}`);
  expect(operations).toEqual(['attention', ...backward]);
  const halves = kernels.filter(({ constants }) => constants['DROPOUT'] === dropout > 0);
  expect(halves).toHaveLength(3);
  for (const { constants } of halves) {
    expect(constants).toMatchObject({
      SOFTCAP: softcap !== undefined,
      WINDOWED: window !== undefined,
      HAS_SINK: options.sinks ?? false,
    });
  }
  return { outputs, kernels: kernels.map(({ kernel }) => kernel.name) };
}

for (const { name, options } of gpus) {
  test(`head sizes and lengths, fused and apart, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 17];
      for (const [i, headSize] of [1, 3, 8, 33].entries()) {
        const queries = lengths[(3 * i + 2) % lengths.length]!;
        const keys = lengths[(5 * i + 4) % lengths.length]!;
        await expectAttentionGradient(gpu, 100 + i, { queries, headSize });
        await expectAttentionGradient(gpu, 110 + i, { queries, headSize, causal: true });
        await expectAttentionGradient(gpu, 120 + i, { queries, keys, headSize });
        await expectAttentionGradient(gpu, 130 + i, { queries: keys, keys: queries, headSize });
      }
      for (const [i, queries] of lengths.entries()) {
        const size = { queries, headSize: 5, batches: 1, heads: 2, causal: true };
        await expectAttentionGradient(gpu, 140 + i, size);
        await expectAttentionGradient(gpu, 150 + i, { ...size, keys: 6, causal: false });
      }
      // More rows than a workgroup of any form holds.
      await expectAttentionGradient(gpu, 160, { queries: 37, headSize: 4, causal: true });
      await expectAttentionGradient(gpu, 161, { queries: 5, keys: 70, headSize: 4 });
      // Heads of several pieces, past the edges of a tile.
      await expectAttentionGradient(gpu, 162, { queries: 35, keys: 67, headSize: 80, heads: 1 });
      await expectAttentionGradient(gpu, 163, {
        queries: 34,
        headSize: 97,
        heads: 1,
        causal: true,
      });
    }));

  test(`padding at the left, at the right, in holes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const causal of [false, true]) {
        const size = { batches: 3, queries: 13, headSize: 6, causal };
        const left = (b: number, s: number): boolean => s >= 5 * b;
        const right = (b: number, s: number): boolean => s < 13 - 5 * b;
        const holes = (b: number, s: number): boolean => (s + b) % 3 !== 1;
        for (const [i, mask] of [left, right, holes].entries()) {
          await expectAttentionGradient(gpu, 200 + i, { ...size, mask });
          if (!causal) await expectAttentionGradient(gpu, 210 + i, { ...size, keys: 13, mask });
        }
      }
    }));

  test(`padding and rows that see nothing have no gradient, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const mask = (batch: number, key: number): boolean => batch === 1 && key < 6;
      const size = { batches: 2, heads: 2, queries: 5, keys: 9, headSize: 3, mask };
      const { outputs } = await expectAttentionGradient(gpu, 300, size);
      const [dq, dkv] = outputs as [Values, Values];
      expect(dq.subarray(0, 30).every((value) => value === 0)).toBe(true);
      expect(dq.subarray(30).every((value) => value !== 0)).toBe(true);
      // Rows of 12: the 9 keys of the first sequence and the last 3 of the second are padding.
      dkv.forEach((value, i) => expect(value !== 0, `${i}`).toBe(i >= 9 * 12 && i < 15 * 12));
      // Causal, with padding at the left: the first queries see nothing.
      const late = (_: number, key: number): boolean => key > 3;
      const causal = { batches: 1, heads: 2, queries: 8, headSize: 3, causal: true, mask: late };
      const fused = await expectAttentionGradient(gpu, 301, causal);
      expect(fused.outputs[0]!.subarray(0, 4 * 18).every((value) => value === 0)).toBe(true);
      expect(fused.outputs[0]!.subarray(4 * 18).some((value) => value !== 0)).toBe(true);
    }));

  test(`large scores stay finite, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const values = { scale: 8, outliers: 5 };
      const size = { queries: 9, keys: 19, headSize: 4, values };
      const { outputs } = await expectAttentionGradient(gpu, 400, size);
      expect(outputs.every((all) => all.every((value) => Number.isFinite(value)))).toBe(true);
    }));

  test(`dropout of the weights, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const lengths = [1, 2, 7, 8, 9, 17, 33, 40];
      for (const [i, queries] of lengths.entries()) {
        const keys = lengths[(3 * i + 2) % lengths.length]!;
        const size = { queries, headSize: [1, 5, 33, 40][i % 4]! };
        const dropout = [0.1, 0.5, 0.9][i % 3]!;
        await expectAttentionGradient(gpu, 450 + i, { ...size, keys, dropout });
        const masked = { mask: (b: number, s: number) => (s + b) % 3 !== 1, causal: i % 2 === 0 };
        await expectAttentionGradient(gpu, 460 + i, { ...size, dropout, ...masked });
      }
    }));

  test(`shared heads of keys and values, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [heads, keyValueHeads]] of (
        [
          [2, 1],
          [6, 2],
          [15, 3],
        ] as const
      ).entries()) {
        const shape = { heads, keyValueHeads, queries: [5, 9, 34][i]!, headSize: [3, 8, 35][i]! };
        await expectAttentionGradient(gpu, 550 + i, { ...shape, causal: true });
        await expectAttentionGradient(gpu, 555 + i, { ...shape, keys: [11, 3, 37][i]! });
      }
    }));

  test(`windows, before queries and around them, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, window] of [1, 2, 3, 8, 33, 100].entries()) {
        for (const causal of [true, false]) {
          const shape = { queries: [9, 17, 70][i % 3]!, headSize: 3, heads: 2, keyValueHeads: 1 };
          const mask = (b: number, s: number): boolean => i % 2 === 0 || (s + b) % 5 !== 1;
          await expectAttentionGradient(gpu, 600 + i, { ...shape, causal, window, mask });
        }
      }
    }));

  test(`capped scores, sinks and slopes, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shape = { heads: 4, keyValueHeads: 2, queries: 35, headSize: 6, causal: true };
      const values = { scale: 2, outliers: 0 };
      await expectAttentionGradient(gpu, 650, { ...shape, values, softcap: 3, window: 7 });
      await expectAttentionGradient(gpu, 651, { ...shape, sinks: true, window: 5, keys: 40 });
      await expectAttentionGradient(gpu, 652, { ...shape, slopes: true, dropout: 0.3 });
      // A query with no key to see has the sink alone: what it gives is 0, whatever the sink says.
      const mask = (_: number, key: number): boolean => key > 3;
      const { outputs } = await expectAttentionGradient(gpu, 653, {
        ...shape,
        batches: 1,
        queries: 4,
        sinks: true,
        window: 9,
        mask,
      });
      expect(outputs.every((all) => all.every((value) => value === 0))).toBe(true);
    }));

  test(`the kernels meant for the device run, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const { kernels } = await expectAttentionGradient(gpu, 500, { queries: 2, headSize: 4 });
      const wanted =
        options.tier === 'gpu'
          ? ['attention-backward-query-tile', 'attention-backward-key-tile']
          : ['attention-backward-query-register', 'attention-backward-key-register'];
      expect(kernels.slice(2)).toEqual(wanted);
    }));
}
