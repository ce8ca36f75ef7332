// Pictures of another size, to the byte as Pillow has them, and what models take of them.
import { expect, test } from 'vitest';
import type { ImageFilter } from '../../../src/shaders/image/filters.ts';
import { pixelValues } from '../../../src/shaders/image/pixel-values.ts';
import { resampling, resize } from '../../../src/shaders/image/resample.ts';
import { expectOperation } from '../../support/check.ts';
import { readFixtureJson } from '../../support/fixture.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

interface Resized {
  readonly filter: ImageFilter;
  /** (height, width) */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  /** Three bytes a pixel. */
  readonly pixels: readonly number[];
  readonly result: readonly number[];
}

/** Three bytes a pixel as words. */
function wordsOf(bytes: readonly number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    { length: bytes.length / 3 },
    (_, i) => bytes[3 * i]! + 256 * bytes[3 * i + 1]! + 65_536 * bytes[3 * i + 2]!,
  );
}

test('every filter, up and down, is that of Pillow to the byte', () =>
  withGpu(device!.options, async (gpu) => {
    const cases = (await readFixtureJson('images/resized.json')) as Resized[];
    for (const { filter, from, to, pixels, result } of cases) {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const axis = (index: 0 | 1) => {
          if (from[index] === to[index]) return undefined;
          const { windows, weights, taps } = resampling(from[index], to[index], filter);
          const words = new Uint32Array(weights.buffer);
          return {
            windows: bench.input(`windows ${index}`, [to[index], 2], windows),
            weights: bench.input(`weights ${index}`, [to[index], taps], words),
          };
        };
        const source = bench.input('pixels', from, wordsOf(pixels));
        return [resize(source, to, { down: axis(0), across: axis(1) })];
      });
      expect([filter, to, ...outputs[0]!]).toEqual([filter, to, ...wordsOf(result)]);
    }
  }));

test('a rectangle of a picture, within it and beyond its edges', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(4);
    const values = random.values(3 * 256);
    for (const [top, left] of [
      [1, 2],
      [-2, -3],
      [3, -1],
    ] as const) {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const pixels = bench.input('pixels', [6, 7], random.indices(42, 2 ** 24));
        const table = bench.input('values', [3, 256], values);
        const y = bench.recording.use(bench.weight([6, 40], new Float32Array(240)));
        const images = bench.recording.persistent('images', [2, 3, 5, 8]);
        pixelValues({ pixels, values: table, y: images }, { top, left }, 1);
        return [images, y];
      });
      expect(new Set(outputs[0]!.subarray(120)).size).toBeGreaterThan(20);
    }
  }));
