// Adam with m and v in bytes, against float64; what its codes stand for; and that codes of what codes stand for are the
// same ones.
import { expect, test } from 'vitest';
import { adam8bit } from '../../../src/shaders/optimizer/optimizer.ts';
import { decodeMoments, encodeMoments } from '../../../src/shaders/optimizer/dynamic-codes.ts';
import type { Values } from '../../reference/twin.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

interface Case {
  readonly blocks: number;
  /** Blocks of the segment before the run, and behind it. */
  readonly before: number;
  readonly behind: number;
  readonly decoupled: boolean;
  readonly applied?: number;
}

const cases: readonly Case[] = [
  { blocks: 1, before: 0, behind: 0, decoupled: true },
  { blocks: 3, before: 2, behind: 1, decoupled: false },
  { blocks: 67, before: 1, behind: 0, decoupled: true },
  { blocks: 2, before: 0, behind: 1, decoupled: true, applied: 0 },
];

const bytesOf = (words: Values): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Uint32Array.from(words).buffer);

for (const { name, options } of await testGpus()) {
  test(`an update of runs of any size, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, { blocks, before, behind, decoupled, applied = 1 }] of cases.entries()) {
        const random = new Random(870 + i);
        const [all, size, first] = [64 * (before + blocks + behind), 64 * blocks, 64 * before];
        const flags = new Uint8Array(all).map((_, e) => (e % 7 === 3 ? 0 : e % 5 === 0 ? 1 : 3));
        const codes = (): Uint32Array<ArrayBuffer> => {
          const bytes = Uint8Array.from(random.indices(size, 256));
          return new Uint32Array(bytes.buffer);
        };
        // A block of zeros, as at first.
        const scales = random
          .values(2 * blocks)
          .map((x, at) => (at > 3 && at < 6 ? 0 : Math.abs(x)));
        const parameters = random.values(all);
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const states = [
              bench.input('m', [size / 4], codes()),
              bench.input('v', [size / 4], codes()),
              bench.input('scales', [2 * blocks], scales),
            ];
            const segment = {
              parameters: bench.input('parameters', [all], parameters),
              gradients: bench.input('gradients', [all], random.values(all)),
              flags: bench.input('flags', [all / 4], new Uint32Array(flags.buffer)),
              states,
              run: { first, size },
            };
            adam8bit(segment, {
              settings: bench.input('settings', [4], Float32Array.of(0.05, 0, 0, 0)),
              status: bench.input('status', [4], Float32Array.of(3, 0.5, applied, 3)),
              beta1: 0.9,
              beta2: 0.999,
              eps: 1e-8,
              weightDecay: 0.1,
              decoupled,
            });
            return [segment.parameters, ...states];
          },
          { seed: 870 + i },
        );
        const [after, m, v, held] = outputs;
        const still = (e: number): boolean =>
          e < first || e >= first + size || flags[e] === 0 || applied === 0;
        after!.forEach((value, e) => still(e) && expect(value).toBe(parameters[e]));
        // Saved and read again.
        const given = {
          m: bytesOf(m!),
          v: bytesOf(v!),
          scales: Float32Array.from(held!),
        };
        if (applied === 1) expect(encodeMoments(decodeMoments(given))).toEqual(given);
      }
    }));
}

test('codes rise from 0 to 1, and say small numbers as well as large ones', () => {
  const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
  const scalesOf = (blocks: number) => new Float32Array(2 * blocks).fill(1);
  const { m, v } = decodeMoments({ m: codes, v: codes, scales: scalesOf(4) });
  expect([...v].every((level, code) => code === 0 || level > v[code - 1]!)).toBe(true);
  expect([v[0], v[255], m[0], m[127], m[255]]).toEqual([0, 1, 0, 1, -1]);
  for (let code = 1; code < 128; code++) {
    expect(m[128 + code]).toBe(-m[code]!);
    if (code > 1) expect(m[code]).toBeGreaterThan(m[code - 1]!);
  }
  expect(m[1]).toBeCloseTo(0.55e-6, 12);
  // Every code but that of -0, in blocks that have a 1.
  const all = Uint8Array.from({ length: 5 * 64 }, (_, i) => (i % 64 === 63 ? 255 : i % 256 || 1));
  const given = { m: all.map((code) => (code === 128 ? 1 : code)), v: all, scales: scalesOf(5) };
  expect(encodeMoments(decodeMoments(given))).toEqual(given);
});
