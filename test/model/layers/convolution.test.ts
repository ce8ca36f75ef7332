// Convolutions over long sounds: piece by piece they are what they are at once.
import { expect, test } from 'vitest';
import { convolve } from '../../../src/model/layers/convolution.ts';
import { oneLinear } from '../../../src/model/weights/linear-weights.ts';
import { Plan } from '../../../src/runtime/plan.ts';
import { Bench } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

const [device] = await testGpus();

test('more windows than stand side by side at once, of two sounds', () =>
  withGpu(device!.options, async (gpu) => {
    const [batch, steps, channels, size, out] = [2, 30_011, 31, 10, 3];
    const values = new Random(9).values(batch * steps * channels);
    const weights = new Random(10).values(out * channels * size);
    const run = async (first: number, count: number): Promise<Float32Array> => {
      const bench = new Bench(gpu);
      const x = bench.input('x', [batch, count, channels], cut(first, count));
      const weight = bench.weight([out, channels * size], weights);
      const convolution = { linear: oneLinear('w', weight), size, stride: 1, padding: 2 };
      const y = convolve(x, convolution, { channelsLast: true, label: 'y' });
      expect(y.shape).toEqual([batch, count - 5, out]);
      const plan = await Plan.create(bench.recording, [y]);
      for (const [tensor, data] of bench.write) plan.write(tensor, data);
      const [bytes] = await plan.play();
      bench.dispose();
      return new Float32Array(bytes!);
    };
    const cut = (first: number, count: number): Float32Array<ArrayBuffer> => {
      const part = new Float32Array(batch * count * channels);
      for (let b = 0; b < batch; b++) {
        const from = (b * steps + first) * channels;
        part.set(values.subarray(from, from + count * channels), b * count * channels);
      }
      return part;
    };
    const whole = await run(0, steps);
    // Around the end of the first piece, of 2²⁴ numbers, and at the end of the sound.
    for (const first of [26_990, steps - 160]) {
      const part = await run(first, 160);
      for (let b = 0; b < batch; b++) {
        const wanted = part.subarray((b * 155 + 2) * out, (b * 155 + 150) * out);
        const from = (b * (steps - 5) + first + 2) * out;
        expect(whole.subarray(from, from + wanted.length)).toEqual(wanted);
      }
    }
  }));
