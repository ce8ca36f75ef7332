// Likenesses as logits: a scale that stands for its exponential, and a bias.
import { expect, test } from 'vitest';
import { logScale } from '../../../src/shaders/elementwise/log-scale.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus(); // all tiers share the kernel

test('with a bias and without', () =>
  withGpu(device!.options, async (gpu) => {
    const random = new Random(4);
    for (const [shape, exponent] of [
      [[7, 13], 4.6],
      [[65], -1.3],
      [[1, 1], 0],
    ] as const) {
      const size = shape.reduce<number>((a, b) => a * b, 1);
      const { outputs } = await expectOperation(gpu, (bench) => {
        const x = bench.input('x', shape, random.values(size));
        const scale = bench.input('scale', [1], Float32Array.of(exponent));
        const bias = bench.input('bias', [1], random.values(1));
        return [logScale(x, scale), logScale(x, scale, bias)];
      });
      expect(outputs[0]).toHaveLength(size);
    }
  }));
