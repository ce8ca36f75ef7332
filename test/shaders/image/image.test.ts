// Images on their way into a stack: patches of odd sizes, tokens before them with positions and without.
import { expect, test } from 'vitest';
import { imageTokens } from '../../../src/shaders/image/image-tokens.ts';
import { patches } from '../../../src/shaders/image/patches.ts';
import { keepPixels, scalePixels } from '../../../src/shaders/image/pixel-units.ts';
import { tokenMeans } from '../../../src/shaders/image/token-means.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernels

test('patches, of images that are no whole number of them', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(1);
    for (const [shape, size] of [
      [
        [2, 3, 10, 7],
        [3, 2],
      ],
      [
        [1, 1, 8, 8],
        [8, 8],
      ],
      [
        [3, 4, 5, 11],
        [1, 5],
      ],
    ] as const) {
      const values = random.values(shape.reduce<number>((a, b) => a * b, 1));
      await expectOperation(gpu, (bench) => [patches(bench.input('pixels', shape, values), size)]);
    }
  }));

test('perturbations of pixels, in units of their own and kept between black and white', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(7);
    for (const [shape, range] of [
      [[2, 3, 5, 7], { black: [-2.1, -2, -1.8], white: [2.2, 2.4, 2.6] }],
      [[3, 1, 4, 4], { black: [1], white: [-1] }],
    ] as const) {
      const values = (): Float32Array<ArrayBuffer> =>
        random.values(shape.reduce<number>((a, b) => a * b, 1));
      const { outputs } = await expectOperation(gpu, (bench) => {
        const [x, pixels] = [bench.input('x', shape, values()), bench.input('p', shape, values())];
        return [scalePixels(x, range), keepPixels(x, pixels, range)];
      });
      expect(outputs[1]!.every((value) => Math.abs(value) <= 1.5)).toBe(true);
    }
  }));

test('means of tokens, of one range and of two', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(5);
    for (const [first, second] of [
      [
        { first: 0, count: 1 },
        { first: 2, count: 9 },
      ],
      [{ first: 3, count: 4 }, undefined],
    ] as const) {
      await expectOperation(gpu, (bench) => {
        const x = bench.input('x', [3, 11, 7], random.values(3 * 77));
        return [tokenMeans(x, first, second)];
      });
    }
  }));

test('tokens before and behind the patches, with positions and without', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(2);
    for (const [images, prefix, placed, behind, count, columns] of [
      [2, 1, 1, 0, 6, 5],
      [3, 2, 2, 0, 1, 7],
      [1, 5, 1, 0, 4, 3],
      [3, 3, 1, 4, 5, 7],
      [2, 0, 0, 3, 2, 5],
      [2, 0, 0, 0, 9, 7],
    ] as const) {
      const { outputs } = await expectOperation(gpu, (bench) => {
        const input = (name: string, ...shape: number[]) =>
          bench.input(name, shape, random.values(shape.reduce((a, b) => a * b, 1)));
        const parts = {
          patches: input('patches', images, count, columns),
          ...(prefix + behind > 0 && { around: input('around', prefix + behind, columns) }),
          positions: input('positions', placed + count + behind, columns),
        };
        return [imageTokens(parts, placed, behind)];
      });
      expect(outputs[0]).toHaveLength(images * (prefix + count + behind) * columns);
    }
  }));
