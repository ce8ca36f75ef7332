// Attention of one new token: step by step over a cache, and over fixed keys, against float64.
import { expect, test } from 'vitest';
import type { Kernel } from '../../../src/runtime/kernel.ts';
import type { Dispatch } from '../../../src/runtime/record.ts';
import {
  attentionDecode,
  hiddenSlot,
} from '../../../src/shaders/attention/decode/attention-decode.ts';
import { attention } from '../../../src/shaders/attention/attention.ts';
import { appendTokens } from '../../../src/shaders/choice/token-rules.ts';
import {
  Bench,
  compare,
  expectMatchesReference,
  expectOperation,
  expectStepMatches,
} from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const gpus = await testGpus();

/** The kernel of each form, and its text: CPU adapters share one. */
const kernelOf = {
  tile: { name: 'attention-decode-tile', file: 'attention-decode-tile.wgsl' },
  subgroup: { name: 'attention-decode-subgroup', file: 'attention-decode-row.wgsl' },
  invocation: { name: 'attention-decode-invocation', file: 'attention-decode-row.wgsl' },
} as const;

function nameAndFile({ name, code }: Kernel): { name: string; file: unknown } {
  const body = code.at(-1);
  return { name, file: body && 'file' in body ? body.file : undefined };
}

for (const { name, options } of gpus) {
  const form =
    options.tier === 'gpu'
      ? 'tile'
      : name === 'software with subgroups'
        ? 'subgroup'
        : 'invocation';
  const meant = kernelOf[form];

  test(`decoding step by step equals causal attention, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, headSize] of [5, 8, 67].entries()) {
        const random = new Random(100 + i);
        const [batches, heads, steps, capacity] = [3, 2, 11, 13];
        const width = heads * headSize;
        // Columns 1 onwards hold q, then k, then v, with a column between them.
        const pitch = 3 * width + 3;
        const starts = { q: 1, k: width + 1, v: 2 * width + 2 };
        const tokens = random.values(batches * steps * pitch, { outliers: 0 });
        const largest = tokens.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // Both ways may be off, each by its own errors.
        const condition = {
          length: capacity + headSize,
          magnitude: 2 * largest * (1 + Math.sqrt(headSize) * largest ** 2),
        };
        const padded = (b: number, s: number): boolean => s < 2 * b;
        const flags = (length: number) =>
          Uint32Array.from({ length: batches * length }, (_, n) =>
            padded(Math.floor(n / length), n % length) ? 0 : 1,
          );

        const { outputs: wanted } = await expectOperation(
          gpu,
          (bench) => {
            const tensor = bench.input('tokens', [batches, steps, pitch], tokens);
            const keyMask = bench.input('mask', [batches, steps], flags(steps));
            const [q, k, v] = [starts.q, starts.k, starts.v].map((start) => ({ tensor, start }));
            return [
              attention({ q: q!, k: k!, v: v!, keyMask, heads, headSize, causal: true }).output,
            ];
          },
          { seed: 100 + i },
        );

        const bench = new Bench(gpu);
        const { recording } = bench;
        const projections = recording.persistent('projections', [batches, 1, pitch]);
        const cache = recording.persistent('cache', [batches * capacity, 2 * width]);
        const place = recording.persistent('place', [batches, 1, 2], 'u32');
        const table = bench.input(
          'table',
          [batches, capacity],
          flags(capacity).map((flag, n) => (flag === 0 ? hiddenSlot : n)),
        );
        const where = { place, table };
        const y = attentionDecode({ projections, starts, cache, ...where, heads, headSize });
        const [chosen, recent] = ['tokens', 'recent'].map((label) =>
          recording.persistent(label, [batches, 1], 'u32'),
        );
        appendTokens(chosen!, { place, recent: recent! });
        const outputs = [y, cache, place];
        const row = (b: number, t: number) =>
          tokens.subarray((b * steps + t) * pitch, (b * steps + t + 1) * pitch);
        const stepInput = (t: number) =>
          Float32Array.from([0, 1, 2].flatMap((b) => [...row(b, t)]));

        let got = await expectMatchesReference(recording, {
          write: [...bench.write, [projections, stepInput(0)]],
          outputs,
          seed: 100 + i,
        });
        for (let t = 0; t < steps; t++) {
          if (t > 0) {
            got.plan.write(projections, stepInput(t));
            const results = await expectStepMatches(got.plan, { seed: 100 + i });
            got = { plan: got.plan, outputs: results };
          }
          const [output, cached, places] = got.outputs;
          expect([...places!]).toEqual(Array<number>(6).fill(t + 1));
          for (let b = 0; b < batches; b++) {
            const at = (b * steps + t) * width;
            const uncached = wanted[0]!.slice(at, at + width);
            // A padded query sees itself here, and nothing there.
            if (padded(b, t)) expect(uncached.every((value) => value === 0)).toBe(true);
            else {
              const own = output!.slice(b * width, (b + 1) * width);
              expect(compare(own, uncached, condition, 'f32')).toBeUndefined();
            }
            const kept = Array.from({ length: capacity }, (_, s) =>
              [starts.k, starts.v].flatMap((start) =>
                Array.from({ length: width }, (_c, c) =>
                  s > t || padded(b, s) ? 0 : row(b, s)[start + c]!,
                ),
              ),
            );
            const [size, all] = [2 * capacity * width, Array.from(cached!)];
            expect(all.slice(b * size, (b + 1) * size)).toEqual(kept.flat());
          }
        }
        expect(nameAndFile(recording.dispatches[0]!.kernel)).toEqual(meant);
        bench.dispose();
      }
    }));

  test(`sequences of unlike lengths, past each block of keys, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, lengths] of [
        [0, 7, 8, 9],
        [1, 15, 16, 17],
        [63, 64, 65, 129],
      ].entries()) {
        const random = new Random(200 + i);
        const [heads, headSize, capacity] = [3, 7, lengths.at(-1)! + 1];
        const width = heads * headSize;
        await expectOperation(
          gpu,
          (bench) => {
            const shape = [4 * capacity, 2 * width];
            const cache = bench.input('cache', shape, random.values(8 * capacity * width));
            const places = lengths.flatMap((length) => [0, length]);
            const place = bench.input('place', [4, 1, 2], Uint32Array.from(places));
            const slots = Uint32Array.from({ length: 4 * capacity }, (_, n) => n);
            const table = bench.input('table', [4, capacity], slots);
            const data = random.values(4 * 3 * width);
            const projections = bench.input('projections', [4, 1, 3 * width], data);
            const starts = { q: 0, k: width, v: 2 * width };
            return [attentionDecode({ projections, starts, cache, place, table, heads, headSize })];
          },
          { seed: 200 + i },
        );
      }
    }));

  test(`keys shared among parts, caches in f32 and f16, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const [heads, keyValueHeads, headSize, capacity] = [4, 2, 6, 331];
      const [width, keyWidth] = [heads * headSize, keyValueHeads * headSize];
      const lengths = [0, 63, 64, 330];
      for (const [i, { appends, parts, window, dtype }] of [
        { appends: true, parts: 3, window: undefined, dtype: 'f32' as const },
        { appends: true, parts: 5, window: 150, dtype: 'f16' as const },
        { appends: false, parts: 7, window: 1, dtype: 'f32' as const },
      ].entries()) {
        const random = new Random(400 + i);
        const { kernels, outputs } = await expectOperation(
          gpu,
          (bench) => {
            const slots = 4 * capacity;
            const shape = [slots, 2 * keyWidth];
            const stored = bench.weight(shape, random.values(2 * slots * keyWidth), dtype);
            const cache = bench.recording.use(stored);
            const places = lengths.flatMap((length) => [0, length]);
            const place = bench.input('place', [4, 1, 2], Uint32Array.from(places));
            // Padding hides a whole part of the last sequence, and some of others.
            const table = Uint32Array.from({ length: slots }, (_, n) =>
              n % 5 === 1 || n > slots - 100 ? hiddenSlot : n,
            );
            const pitch = width + 2 * keyWidth;
            const projections = bench.input('x', [4, 1, pitch], random.values(4 * pitch));
            const starts = appends ? { q: 0, k: width, v: width + keyWidth } : { q: 0 };
            const where = { place, table: bench.input('table', [4, capacity], table) };
            const scores = { heads, keyValueHeads, headSize, window };
            const spill = dtype === 'f16' && bench.input('spill', [1], new Uint32Array(1));
            const inputs = {
              projections,
              starts,
              cache,
              ...where,
              ...scores,
              ...(spill && { spill }),
            };
            const y = attentionDecode({ ...inputs, parts });
            return [y, attentionDecode({ ...inputs, parts: 1 }), ...(spill ? [spill] : [])];
          },
          { seed: 400 + i },
        );
        expect(kernels.map(({ kernel }) => kernel.operation)).toEqual([
          'attention-decode',
          'attention-merge',
          'attention-decode',
        ]);
        // Both are within the tolerance of the float64 reference; of each other, too.
        const [split, whole, spill] = outputs;
        split!.forEach((value, at) => expect(value).toBeCloseTo(whole![at]!, 4));
        expect(spill ?? []).toEqual(spill === undefined ? [] : Uint32Array.of(0));
      }
    }));

  test(`what f16 cannot hold ends at its range, and is told, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, largest] of [65504, -65600].entries()) {
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const cache = bench.recording.use(bench.weight([3, 8], new Float32Array(24), 'f16'));
            const place = bench.input('place', [1, 1, 2], Uint32Array.of(1, 1));
            const table = bench.input('table', [1, 3], Uint32Array.of(0, 1, 2));
            const values = Float32Array.from({ length: 12 }, (_, c) =>
              c === 5 + 4 * i ? largest : 1,
            );
            const projections = bench.input('x', [1, 1, 12], values);
            const spill = bench.input('spill', [1], new Uint32Array(1));
            const inputs = { projections, cache, spill, place, table, heads: 1, headSize: 4 };
            attentionDecode({ ...inputs, starts: { q: 0, k: 4, v: 8 } });
            return [spill, cache];
          },
          { seed: i },
        );
        expect(outputs[0]).toEqual(Uint32Array.of(i));
        expect(outputs[1]![8 + 1 + 4 * i]).toBe(Math.sign(largest) * 65504);
      }
    }));

  test(`few rows over many keys are shared among parts, ${name}`, () =>
    withGpu(options, (gpu) => {
      const partsOf = (heads: number, capacity: number): number => {
        const bench = new Bench(gpu);
        const cache = bench.recording.persistent('cache', [capacity, 2 * heads]);
        const table = bench.recording.persistent('table', [1, capacity], 'u32');
        const projections = bench.recording.persistent('q', [1, 1, heads]);
        attentionDecode({ projections, starts: { q: 0 }, cache, table, heads, headSize: 1 });
        const [{ params }] = bench.recording.dispatches as [Dispatch];
        bench.dispose();
        return params['parts']!;
      };
      const shapes = [
        [8, 64],
        [8, 1024],
        [8, 4096],
        [512, 4096],
      ] as const;
      const found = shapes.map(([heads, capacity]) => partsOf(heads, capacity));
      const byForm = { tile: [1, 8, 32, 1], invocation: [1, 2, 4, 1], subgroup: [1, 1, 1, 1] };
      expect(found).toEqual(byForm[form]);
      return Promise.resolve();
    }));

  test(`one query over fixed keys, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, keys] of [1, 3, 7, 8, 9, 31, 64, 65, 70].entries()) {
        const random = new Random(300 + i);
        const [batches, heads, headSize] = [3, 2, [1, 3, 8, 33, 64, 80][i % 6]!];
        const width = heads * headSize;
        const { kernels, outputs } = await expectOperation(
          gpu,
          (bench) => {
            const rows = (label: string, length: number, columns: number) =>
              bench.input(
                label,
                [batches, length, columns],
                random.values(batches * length * columns),
              );
            const table = Uint32Array.from({ length: batches * keys }, (_, n) =>
              n < keys || (n < 2 * keys && n % 3 > 0) ? n : hiddenSlot,
            );
            return [
              attentionDecode({
                projections: rows('q', 1, width + 2),
                starts: { q: 2 },
                cache: rows('kv', keys, 2 * width),
                table: bench.input('table', [batches, keys], table),
                heads,
                headSize,
              }),
            ];
          },
          { seed: 300 + i },
        );
        // All keys of the last sequence are padding.
        expect(outputs[0]!.subarray(-width).every((value) => Object.is(value, 0))).toBe(true);
        expect(nameAndFile(kernels[0]!.kernel)).toEqual(meant);
      }
    }));
}
