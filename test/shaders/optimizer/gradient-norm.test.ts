// What is measured of gradients: their norm, whether the step can be taken, sums of several of them.
import { expect, test } from 'vitest';
import { accumulate, measureGradients } from '../../../src/shaders/optimizer/optimizer.ts';
import { Bench, expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import {
  bySgd,
  decays,
  drawnSegment,
  expectSameBits,
  plainSegment,
  trainable,
  updates,
  withStepper,
} from '../../support/optimizer.ts';
import { Random } from '../../support/random.ts';
import { tolerance } from '../../support/tolerance.ts';

for (const { name, options } of await testGpus()) {
  test(`steps with NaN or infinity are skipped and counted, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(860);
      const sizesHere = [260, 8200];
      const data = sizesHere.map((size) => drawnSegment(random, size));
      const at = [7, 8199];
      for (const [segment, element] of at.entries()) data[segment]!.flags[element] = trainable;
      data[0]!.flags[11] = decays;
      const good = sizesHere.map((size) => random.values(size));
      for (const title of ['Adam, amsgrad', 'SGD, momentum']) {
        const [count, update] = updates[title]!;
        await withStepper(gpu, data, count, update, async (stepper) => {
          const before = await stepper.step({ rate: 0.1, gradients: good });
          expect(before.counters).toEqual([1, 0, 0, 0]);
          let skipped = 0;
          const expectSkipped = async (
            gradients: readonly Float32Array<ArrayBuffer>[],
            loss: number,
          ): Promise<void> => {
            const after = await stepper.step({ rate: 0.1, maxNorm: 1, loss, gradients });
            skipped++;
            expect(after.counters).toEqual([1, skipped, skipped, 0]);
            expect(after.status).toEqual([Infinity, 0, 0, 1]);
            expectSameBits(after, before);
          };
          for (const bad of [NaN, Infinity, -Infinity]) {
            for (const [segment, element] of at.entries()) {
              const gradients = good.map((values) => values.slice());
              gradients[segment]![element] = bad;
              await expectSkipped(gradients, 1);
            }
            await expectSkipped(good, bad);
          }
          // A frozen element does not matter, and training goes on where it was.
          const gradients = good.map((values) => values.slice());
          gradients[0]![11] = NaN;
          const after = await stepper.step({ rate: 0.1, gradients });
          expect(after.counters).toEqual([2, skipped, 0, 0]);
          expect(after.status.slice(1)).toEqual([1, 1, 2]);
          expect(after.parameters.every((values) => values.every(Number.isFinite))).toBe(true);
          expect(after.parameters[1]).not.toEqual(before.parameters[1]);
        });
      }
    }));

  test(`norms of gradients as large as f32 and as small as need be, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const size = 8196;
      const data = plainSegment(new Float32Array(size));
      await withStepper(gpu, [data], 0, bySgd({ momentum: 0 }), async (stepper) => {
        const normOf = async (
          gradient: (i: number) => number,
        ): Promise<{ norm: number; wanted: number; status: readonly number[] }> => {
          const values = Float32Array.from({ length: size }, (_, i) => gradient(i));
          const { status } = await stepper.step({ rate: 0, maxNorm: 1, gradients: [values] });
          const squares = values.reduce((sum, value) => sum + value ** 2, 0);
          return { norm: status[0]!, wanted: Math.sqrt(squares), status };
        };
        const cases: ((i: number) => number)[] = [
          () => 0,
          (i) => Number(i === 8195),
          () => 1e-12,
          () => 1e15,
          () => -1e18,
          (i) => (i % 2 === 0 ? 2 ** 47.9 : 2 ** 48.1),
          (i) => (i === 5000 ? 2 ** 48 : 2 ** 46),
          (i) => (i % 2 === 0 ? 1e36 : 1e-3),
          (i) => (i === 17 ? -3.4e38 : 0),
        ];
        for (const [i, gradient] of cases.entries()) {
          const { norm, wanted, status } = await normOf(gradient);
          const allowed = tolerance('f32', size, wanted);
          expect(Math.abs(norm - wanted), `norm of case ${i}`).toBeLessThanOrEqual(allowed);
          const factor = Math.min(1, 1 / (wanted + 1e-6));
          const off = Math.abs(status[1]! - factor);
          expect(off, `factor of case ${i}`).toBeLessThanOrEqual(tolerance('f32', size, factor));
          expect(status[2]).toBe(1);
        }
        // Every element is finite, the norm is not.
        const { status } = await normOf(() => 3e38);
        expect(status).toEqual([Infinity, 0, 0, cases.length]);
      });
    }));

  test(`gradients are accumulated from whatever stood there, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const size of [4, 252, 256, 260, 4100]) {
        const random = new Random(880 + size);
        const [a, b] = [random.values(size), random.values(size)];
        const { outputs } = await expectOperation(
          gpu,
          (bench) => {
            const total = bench.input('total', [size], new Float32Array(size).fill(NaN));
            accumulate(total, bench.input('a', [size], a), true);
            accumulate(total, bench.input('b', [size], b), false);
            return [total];
          },
          { seed: 880 + size },
        );
        expect([...outputs[0]!]).toEqual(Array.from(a, (value, i) => Math.fround(value + b[i]!)));
      }
    }));
}

test('tensors of another kind or size are refused', () =>
  withGpu({}, async (gpu) => {
    const bench = new Bench(gpu);
    const floats = (label: string, size: number) =>
      bench.input(label, [size], new Float32Array(size));
    const words = (label: string, size: number) =>
      bench.input(label, [size], new Uint32Array(size));
    const segment = {
      parameters: floats('parameters', 8),
      gradients: floats('gradients', 8),
      flags: words('flags', 2),
      states: [],
    };
    const given = {
      settings: floats('settings', 4),
      loss: floats('loss', 1),
      counters: words('counters', 4),
      status: floats('status', 4),
    };
    const status = words('status', 4);
    expect(() => measureGradients([segment], { ...given, status })).toThrow('got status u32(4)');
    expect(() => measureGradients([], given)).toThrow('no segment');
    const short = { ...segment, gradients: floats('gradients', 4) };
    expect(() => measureGradients([short], given)).toThrow('cannot hold gradients f32(4)');
    expect(() => accumulate(floats('total', 8), floats('x', 4), true)).toThrow('do not fit');
    expect(() => accumulate(floats('total', 3), floats('x', 3), true)).toThrow('do not fit');
    bench.dispose();
    await Promise.resolve();
  }));
