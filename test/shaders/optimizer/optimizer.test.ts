// Updates of parameters, against float64, and what they promise: frozen elements change no bit, and two
// runs agree in every bit.
import { expect, test } from 'vitest';
import { adam } from '../../../src/shaders/optimizer/optimizer.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import {
  byAdam,
  bySgd,
  drawnSegment,
  expectSameBits,
  expectUpdateMatches,
  plainAdam,
  plainSegment,
  type StepResult,
  trainable,
  type Update,
  updates,
  withStepper,
} from '../../support/optimizer.ts';
import { Random } from '../../support/random.ts';
import { expectError } from '../../support/safetensors.ts';
import { tolerance } from '../../support/tolerance.ts';

/** Past the edges of a workgroup, of what an invocation takes, and of a chunk of the norm. */
const sizes = [4, 252, 256, 260, 1028, 4092, 4100, 8196];

for (const { name, options } of await testGpus()) {
  test(`every update, in segments of any size, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, [count, update]] of Object.values(updates).entries()) {
        for (let part = 0; part < sizes.length; part += 4) {
          const seed = 800 + 10 * i + part;
          const random = new Random(seed);
          const chosen = sizes.slice(part, part + 4);
          const data = chosen.map((size) => drawnSegment(random, size));
          await withStepper(gpu, data, count, update, async (stepper) => {
            for (const maxNorm of [0, 3, 1e6]) {
              const gradients = chosen.map((size) => random.values(size));
              await expectUpdateMatches(stepper, { rate: 0.05, maxNorm, gradients }, seed);
            }
          });
        }
      }
    }));

  test(`frozen elements keep every bit, and weight decay keeps to its flag, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const random = new Random(850);
      const size = 1028;
      const [data, gradient] = [drawnSegment(random, size), random.values(size)];
      const still = new Float32Array(size);
      for (const [title, [count, update]] of Object.entries(updates)) {
        const states = Array.from({ length: count }, () => random.values(size).map(Math.abs));
        const before = {
          status: [],
          counters: [],
          parameters: [data.parameters],
          states: [states],
        };
        await withStepper(gpu, [{ ...data, states }], count, update, async (stepper) => {
          const after = await stepper.step({ rate: 0.1, gradients: [gradient] });
          const frozen = (result: StepResult): StepResult => {
            const keep = (values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> =>
              values.filter((_, i) => (data.flags[i]! & trainable) === 0);
            return {
              ...result,
              parameters: result.parameters.map(keep),
              states: result.states.map((each) => each.map(keep)),
            };
          };
          expectSameBits(frozen(after), frozen(before));
          const moved = after.parameters[0]!.filter(
            (value, i) =>
              (data.flags[i]! & trainable) === trainable && value !== data.parameters[i],
          );
          expect(moved.length, `moved by ${title}`).toBeGreaterThan(size / 3);
        });
        // Without gradients and states, only weight decay moves anything.
        await withStepper(gpu, [data], count, update, async (stepper) => {
          const after = await stepper.step({ rate: 0.1, gradients: [still] });
          const decayed = after.parameters[0]!.map((value, i) =>
            Number(value !== data.parameters[i]),
          );
          const hasDecay =
            title.includes('W') || /decay|amsgrad|dampening|Nesterov|^SGD$/.test(title);
          const wanted = Float32Array.from(data.flags, (flag) => Number(hasDecay && flag === 3));
          expect([...decayed], `decayed by ${title}`).toEqual([...wanted]);
        });
      }
    }));

  test(`1 - βᵗ is exact to f32 at every t, ${name}`, () =>
    withGpu(options, async (gpu) => {
      for (const beta of [0.5, 0.9, 0.98, 0.999, 0.99999]) {
        for (const t of [1, 2, 3, 10, 69, 70, 100, 1000, 100000]) {
          const wanted = -Math.expm1(t * Math.log(Math.fround(beta)));
          // m = 1 and v = 1 stay so; what is left is 1 / (1 - β₁ᵗ), and √(1 - β₂ᵗ).
          for (const [which, value] of [
            ['beta1', 1 / wanted],
            ['beta2', Math.sqrt(wanted)],
          ] as const) {
            const ones = new Float32Array(4).fill(1);
            const { outputs } = await expectOperation(gpu, (bench) => {
              const segment = {
                parameters: bench.input('parameters', [4], new Float32Array(4)),
                gradients: bench.input('gradients', [4], ones),
                flags: bench.input('flags', [1], Uint32Array.of(0x01010101)),
                states: ['m', 'v'].map((label) => bench.input(label, [4], ones)),
              };
              const settings = bench.input('settings', [4], Float32Array.of(1, 0, 0, 0));
              const status = bench.input('status', [4], Float32Array.of(1, 1, 1, t));
              const betas = { beta1: 0, beta2: 0, [which]: beta };
              adam(segment, { ...plainAdam, ...betas, eps: 1e-30, settings, status });
              return [segment.parameters];
            });
            const error = Math.abs(-outputs[0]![0]! - value);
            expect(error, `${which} ${beta}, t ${t}`).toBeLessThanOrEqual(
              tolerance('f32', 1, value),
            );
          }
        }
      }
    }));

  test(`the first velocity is the gradient, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const data = plainSegment(new Float32Array(4));
      const update = bySgd({ momentum: 0.5, dampening: 0.75 });
      await withStepper(gpu, [data], 1, update, async (stepper) => {
        const gradients = [Float32Array.of(8, -4, 0, 1)];
        // A skipped step is no first one.
        const skipped = await stepper.step({ rate: 1, loss: NaN, gradients });
        expect([...skipped.states[0]![0]!]).toEqual([0, 0, 0, 0]);
        const first = await stepper.step({ rate: 1, gradients });
        expect([...first.states[0]![0]!]).toEqual([8, -4, 0, 1]);
        expect([...first.parameters[0]!]).toEqual([-8, 4, 0, -1]);
        // 0.5 · 8 + 0.25 · 8
        const second = await stepper.step({ rate: 0.5, gradients });
        expect([...second.states[0]![0]!]).toEqual([6, -3, 0, 0.75]);
        expect([...second.parameters[0]!]).toEqual([-11, 5.5, 0, -1.375]);
      });
    }));

  test(`two runs agree in every bit, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const run = async (): Promise<StepResult[]> => {
        const random = new Random(870);
        const lengths = [260, 50000, 4];
        const data = lengths.map((size) => drawnSegment(random, size));
        const results: StepResult[] = [];
        await withStepper(gpu, data, 2, byAdam({ weightDecay: 0.1 }), async (stepper) => {
          for (let i = 0; i < 3; i++) {
            const gradients = lengths.map((size) => random.values(size));
            results.push(await stepper.step({ rate: 0.01, maxNorm: 1, gradients }));
          }
        });
        return results;
      };
      const [first, second] = [await run(), await run()];
      for (const [i, result] of first.entries()) {
        expect(result.status).toEqual(second[i]!.status);
        expectSameBits(result, second[i]!);
      }
      expect(first[0]!.status[1]).toBeLessThan(0.01);
    }));
}

test('settings out of range and segments that do not fit are refused', () =>
  withGpu({}, async (gpu) => {
    const data = [plainSegment(new Float32Array(4))];
    const attempt = (count: number, update: Update): Promise<void> =>
      withStepper(gpu, data, count, update, () => Promise.resolve());
    await expectError(attempt(2, byAdam({ beta1: 1 })), 'OPTION_INVALID', 'beta1', 'got 1');
    await expectError(attempt(2, byAdam({ beta2: -0.1 })), 'OPTION_INVALID', 'beta2');
    await expectError(attempt(2, byAdam({ eps: 0 })), 'OPTION_INVALID', 'eps must be at least');
    await expectError(attempt(2, byAdam({ weightDecay: NaN })), 'OPTION_INVALID', 'weightDecay');
    await expectError(attempt(1, bySgd({ momentum: -1 })), 'OPTION_INVALID', 'momentum');
    const nesterov = { nesterov: true, dampening: 0.1 };
    await expectError(attempt(1, bySgd(nesterov)), 'OPTION_INVALID', 'nesterov');
    await expect(attempt(3, byAdam())).rejects.toThrow('adam keeps 2 states a segment, got 3');
    await expect(attempt(0, bySgd())).rejects.toThrow('sgd keeps 1 states a segment, got 0');
  }));
