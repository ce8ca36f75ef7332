// What an adapter adds to a linear layer comes before its activation and its gate, in lists that train and
// in those that do not.
import { expect, test } from 'vitest';
import { gated, linear } from '../../../src/model/layers/linear.ts';
import { oneLinear } from '../../../src/model/weights/linear-weights.ts';
import { add } from '../../../src/shaders/elementwise/add.ts';
import { expectOperation } from '../../support/check.ts';
import { withGpu } from '../../support/gpu.ts';

test('an update, an activation, a gate and a residual', () =>
  withGpu({}, async (gpu) => {
    for (const training of [false, true]) {
      const { outputs } = await expectOperation(
        gpu,
        (bench) => {
          const input = (label: string, ...values: number[]) =>
            bench.input(label, [1, values.length], Float32Array.from(values));
          const x = input('x', 1, 2);
          // xWᵀ is (1, 2, 3, -1).
          const weight = bench.weight([4, 2], Float32Array.of(1, 0, 0, 1, 1, 1, 1, -1));
          const delta = input('delta', -3, 10, 1, 2);
          const residual = input('residual', 0.5, 0.25, 0, 100);
          const layer = { ...oneLinear('w', weight), update: (y: typeof x) => add(y, delta) };
          return [
            linear(x, layer),
            linear(x, layer, { residual }),
            linear(x, layer, { activation: 'relu' }),
            linear(x, layer, { activation: 'relu', residual }),
            gated(x, layer, 'relu'),
          ];
        },
        { training },
      );
      expect(outputs.map((output) => [...output])).toEqual([
        [-2, 12, 4, 1],
        [-1.5, 12.25, 4, 101],
        [0, 12, 4, 1],
        [0.5, 12.25, 4, 101],
        [0, 12],
      ]);
    }
  }));
