// Convolutions over time, of what inputs give and of what products give, beside plain sums.
import { expect, test } from 'vitest';
import { convolve } from '../../../src/model/layers/convolution.ts';
import { oneLinear } from '../../../src/model/weights/linear-weights.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';
import { tolerance } from '../../support/tolerance.ts';

for (const { name, options } of await testGpus()) {
  test(`a convolution, channels first and last, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(3);
      const [batches, channels, length, out] = [2, 5, 17, 7];
      const windowing = { size: 3, stride: 2, padding: 1 };
      const x = random.values(batches * channels * length, { outliers: 0 });
      const weight = random.values(out * channels * 3, { outliers: 0 });
      const bias = random.values(out, { outliers: 0 });
      const last = Float32Array.from(x, (_, i) => {
        const [batch, step, channel] = [
          Math.floor(i / channels / length),
          Math.floor(i / channels) % length,
          i % channels,
        ];
        return x[(batch * channels + channel) * length + step]!;
      });
      const { outputs } = await expectOperation(gpu, (bench) => {
        const linear = oneLinear(
          'w',
          bench.weight([out, channels * 3], weight),
          bench.input('b', [out], bias),
        );
        const layer = { linear, ...windowing };
        return [
          convolve(bench.input('x', [batches, channels, length], x), layer, { label: 'y' }),
          convolve(bench.input('x', [batches, length, channels], last), layer, {
            label: 'y',
            channelsLast: true,
            activation: 'relu',
          }),
        ];
      });
      const count = 9;
      for (let i = 0; i < batches * count * out; i++) {
        const [batch, window, o] = [
          Math.floor(i / out / count),
          Math.floor(i / out) % count,
          i % out,
        ];
        let [wanted, magnitude] = [bias[o]!, Math.abs(bias[o]!)];
        for (let channel = 0; channel < channels; channel++) {
          for (let place = 0; place < 3; place++) {
            const step = 2 * window + place - 1;
            if (step < 0 || step >= length) continue;
            const term =
              weight[(o * channels + channel) * 3 + place]! *
              x[(batch * channels + channel) * length + step]!;
            wanted += term;
            magnitude += Math.abs(term);
          }
        }
        const allowed = tolerance('f32', channels * 3, magnitude);
        expect(Math.abs(outputs[0]![i]! - wanted)).toBeLessThanOrEqual(allowed);
        expect(Math.abs(outputs[1]![i]! - Math.max(0, wanted))).toBeLessThanOrEqual(allowed);
      }
    }));
}
