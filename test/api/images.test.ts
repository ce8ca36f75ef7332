// Models that look at images: formats of weights, sizes, what is refused, training.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const pixels = (...shape: number[]): DenseTensor => ({
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.25),
  shape,
});

test.each([
  ['f16', 2e-3],
  ['int8', 0.05],
] as const)('weights in %s, tried as they are loaded', (dtype, bound) =>
  withGpu(usual, async (gpu) => {
    const expected = await readCase('vit');
    using model = await loadModel(fixtureSource('vit'), { gpu, dtype, check: true });
    const { logits } = await model.forward(callInputs(expected, 'main'));
    expectClose(logits, expected.values.get('main/logits')!, 'logits', undefined, bound);
  }),
);

test('images of many sizes, one after the other', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('variants/vit_model'), { gpu });
    const states: (Float32Array | undefined)[] = [];
    for (const [height, width, patches] of [
      [18, 18, 9],
      [6, 6, 1],
      [23, 41, 18],
      [18, 18, 9],
    ] as const) {
      const { lastHiddenState } = await model.forward({
        pixelValues: pixels(2, 2, height, width),
        interpolatePosEncoding: true,
      });
      expect(lastHiddenState?.shape).toEqual([2, 1 + patches, 20]);
      states.push(lastHiddenState?.data);
    }
    expect(states[3]).toEqual(states[0]);
  }));

test('what is no image of the model is refused', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('vit'), { gpu });
    const refused = (inputs: object, ...parts: string[]): Promise<void> =>
      expectRejection(model.forward(inputs), 'INPUT_INVALID', ...parts);
    await refused({}, 'pixelValues is missing');
    await refused({ inputIds: [[1]] }, 'takes no input "inputIds"', 'pixelValues');
    await refused({ pixelValues: pixels(3, 24, 24) }, '4 axes');
    await refused({ pixelValues: pixels(1, 1, 24, 24) }, '1 channels', 'takes 3');
    await refused({ pixelValues: pixels(1, 3, 24, 32) }, '24 × 32', '24 × 24', 'interpolate');
    const stretched = { interpolatePosEncoding: true };
    await refused({ pixelValues: pixels(1, 3, 7, 24), ...stretched }, '7 × 24', '8 × 8');
    await refused({ pixelValues: pixels(1, 3, 24, 24), interpolatePosEncoding: 1 }, 'is 1');
    await refused({ pixelValues: pixels(1, 3, 24, 24), labels: [7] }, 'labels', '0 to 6');
    await expectRejection(model.generate({}), 'MODEL_UNSUPPORTED', 'does not generate');
  }));
