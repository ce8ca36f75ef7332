// What adaptive ranks ask of a step, against float64.
import { test } from 'vitest';
import { watchImportance } from '../../../src/shaders/optimizer/importance.ts';
import { orthogonalize } from '../../../src/shaders/optimizer/orthogonality.ts';
import { expectOperation } from '../../support/check.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { Random } from '../../support/random.ts';

for (const { name, options } of await testGpus()) {
  test(`importance of parameters, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const cases = [
        [4, 1, 1],
        [260, 0, 1],
        [260, 1, 0],
        [1028, 1, 1],
      ] as const;
      for (const [i, [size, counts, applied]] of cases.entries()) {
        const random = new Random(190 + i);
        await expectOperation(gpu, (bench) => {
          const [parameters, gradients] = ['parameters', 'gradients'].map((label) =>
            bench.input(label, [size], random.values(size)),
          );
          const [sensitivity, uncertainty] = ['sensitivity', 'uncertainty'].map((label) =>
            bench.input(label, [size], random.values(size).map(Math.abs)),
          );
          watchImportance(
            {
              parameters: parameters!,
              gradients: gradients!,
              sensitivity: sensitivity!,
              uncertainty: uncertainty!,
            },
            {
              settings: bench.input('settings', [4], Float32Array.of(1, 0, counts, 0)),
              status: bench.input('status', [4], Float32Array.of(3, 0.7, applied, 5)),
              beta1: 0.85,
              beta2: 0.6,
            },
          );
          return [sensitivity!, uncertainty!];
        });
      }
    }));

  test(`slopes of a penalty of what is not orthonormal, ${name}`, () =>
    withGpu(options, async (gpu) => {
      const shapes = [
        [1, 1],
        [3, 130],
        [67, 9],
        [12, 65],
      ] as const;
      for (const [i, [vectors, length]] of shapes.entries()) {
        for (const areColumns of [false, true]) {
          const random = new Random(290 + i);
          const shape = areColumns ? [length, vectors] : [vectors, length];
          await expectOperation(gpu, (bench) => {
            const values = (): Float32Array<ArrayBuffer> =>
              random.values(vectors * length, { scale: 0.3, outliers: 0 });
            const parameter = bench.input('parameter', shape, values());
            const gradient = bench.input('gradient', shape, values());
            orthogonalize({ parameter, gradient, areColumns }, 0.25);
            return [gradient];
          });
        }
      }
    }));
}
