// Gradients of logits against PyTorch.
import { expect, test } from 'vitest';
import { loadModel } from 'webgpu-transformer';
import { inputGradients, integratedGradients } from 'webgpu-transformer/interpret';
import { expectClose } from '../support/expected.ts';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { expectedTensor, looked } from './expected.ts';

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));
const [{ onGpu }] = gpus as [(typeof gpus)[0]];

for (const device of gpus) {
  test.each(looked)(`%s, ${device.name}`, (name, about) =>
    device.onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(about.model), { gpu });
      const inputs = { inputIds: [about.ids] };
      const { target } = about;
      const plain = await inputGradients(model, inputs, { target });
      expectClose(plain.values, expectedTensor(`${name}/gradient`), 'gradient times input');
      expect(plain.target).toBeCloseTo(about.logit, 4);
      const way = await integratedGradients(model, inputs, { target, steps: 8, batchSize: 3 });
      expectClose(way.values, expectedTensor(`${name}/integrated`), 'integrated');
      const size = way.values.shape[2]!;
      way.tokens.forEach((value, token) => {
        const own = way.values.data.subarray(token * size, (token + 1) * size);
        expect(value).toBeCloseTo(
          own.reduce((sum, one) => sum + one, 0),
          5,
        );
      });
    }),
  );
}

test('with enough steps they add up to what the target gains', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    const inputs = { inputIds: [[70, 75, 21, 11]] };
    const at = 'layers.0.output';
    const target = { id: 0, against: 1 };
    const { captured } = await model.forward({ inputIds: [[3, 3, 3, 3]] }, { capture: [at] });
    const baseline = captured![at]!;
    const before = await model.forward(inputs, { edit: [{ at, replace: baseline }] });
    const { logits } = await model.forward(inputs);
    const gain = (data: Float32Array): number => data[0]! - data[1]!;
    const found = await integratedGradients(model, inputs, { target, at, baseline, steps: 64 });
    const sum = found.tokens.reduce((total, value) => total + value, 0);
    const wanted = gain(logits!.data) - gain(before.logits!.data);
    expect(Math.abs(sum - wanted)).toBeLessThan(1e-3 * Math.max(1, Math.abs(wanted)));
  }));

test('tokens of an encoder have a part in what its decoder says', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('t5_relu'), { gpu });
    const inputs = { inputIds: [[6, 89, 106, 44]], decoderInputIds: [[0, 79, 41]] };
    const found = await inputGradients(model, inputs, {
      target: { id: 5, position: 1 },
      at: 'encoder.embeddings',
    });
    // By PyTorch, in float64.
    [-0.310494435809601, 0.04131729334475098, 0.16214618007973727, 0.3001124124515935].forEach(
      (value, token) => {
        expect(found.tokens[token]).toBeCloseTo(value, 5);
      },
    );
    await expectRejection(
      inputGradients(model, inputs, { target: { id: 5, position: 3 } }),
      'OPTION_INVALID',
      'position of the target',
    );
  }));
