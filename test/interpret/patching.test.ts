// Patches and heads that are switched off against hooks of PyTorch.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { ablateHeads, patchActivations } from 'webgpu-transformer/interpret';
import { bothTiers, sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource } from '../support/source.ts';
import { looked } from './expected.ts';

const gpus = (await bothTiers()).map(({ name, options }) => ({ name, onGpu: sharedGpu(options) }));
const [{ onGpu }] = gpus as [(typeof gpus)[0]];

function expectAlike(got: readonly (readonly number[])[], wanted: readonly number[][]): void {
  expect(got.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  got.flat().forEach((value, i) => {
    expect(Math.abs(value - wanted.flat()[i]!), `number ${i}`).toBeLessThan(2e-5);
  });
}

for (const device of gpus) {
  test.each(looked)(`%s: a sweep of patches, ${device.name}`, (_, about) =>
    device.onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(about.model), { gpu });
      const runs = { clean: { inputIds: [about.ids] }, corrupted: { inputIds: [about.corrupted] } };
      // In batches that end between layers.
      const found = await patchActivations(model, { ...runs, measure: about.target, batchSize: 4 });
      expect(found.points).toEqual(['layers.0.output', 'layers.1.output']);
      expectAlike(found.values, about.patched);
      expectAlike([[found.clean, found.corrupted]], [[about.clean, about.dirty]]);
      // Of the last layer only the last position matters, which brings all of it back.
      expect(found.recovered[1]!.at(-1)).toBeCloseTo(1, 4);
      expect(found.recovered[1]![0]).toBeCloseTo(0, 4);
    }),
  );

  test.each(looked)(`%s: heads switched off, ${device.name}`, (_, about) =>
    device.onGpu(async (gpu) => {
      using model = await loadModel(fixtureSource(about.model), { gpu });
      const inputs = { inputIds: [about.ids] };
      const measure = about.target;
      const found = await ablateHeads(model, inputs, { measure, batchSize: 5 });
      expectAlike(found.effects, about.ablated_zero);
      expect(found.points).toEqual([
        'layers.0.selfAttention.heads',
        'layers.1.selfAttention.heads',
      ]);
      expect(found.plain).toBeCloseTo(about.logit, 4);
      const mean = await ablateHeads(model, inputs, { measure, replace: 'mean' });
      expectAlike(mean.effects, about.ablated_mean);
    }),
  );
}

test('a function measures as a target does, and other points are patched', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const [, { ids, corrupted, target }] = looked[0]!;
    const runs = { clean: { inputIds: [ids] }, corrupted: { inputIds: [corrupted] } };
    const at = 'layers.*.selfAttention.value';
    const found = await patchActivations(model, { ...runs, measure: target, at });
    const same = await patchActivations(model, {
      ...runs,
      at,
      measure: ({ data, shape: [tokens = 0, width = 0] }) => {
        const last = data.subarray((tokens - 1) * width);
        return last[target.id]! - last[target.against]!;
      },
    });
    expect(same).toEqual(found);
    const before = { ...target, position: 2 };
    const earlier = await patchActivations(model, { ...runs, at, measure: before });
    const read = await patchActivations(model, {
      ...runs,
      at,
      measure: ({ data, shape: [, width = 0] }) =>
        data[2 * width + target.id]! - data[2 * width + target.against]!,
    });
    expect(read).toEqual(earlier);
    expect(earlier.corrupted).not.toBe(found.corrupted);
    // Values of the token that differs, and of no other, matter in the first layer.
    const [first = []] = found.recovered;
    first.forEach((value, position) => {
      if (position !== 2) expect(Math.abs(value), `position ${position}`).toBeLessThan(1e-4);
    });
    expect(Math.abs(first[2]!)).toBeGreaterThan(1e-3);
  }));

test('runs that cannot be compared are refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('gpt2'), { gpu });
    const clean = { inputIds: [[1, 2, 3]] };
    const measure = { id: 5 };
    const refused = (
      corrupted: ModelInputs,
      code: 'INPUT_INVALID' | 'OPTION_INVALID',
      message: string,
      others = {},
    ) =>
      expectRejection(
        patchActivations(model, { clean, corrupted, measure, ...others }),
        code,
        message,
      );
    await refused({ inputIds: [[1, 2]] }, 'INPUT_INVALID', 'as many tokens');
    await refused(clean, 'INPUT_INVALID', 'nothing to recover');
    await refused(
      {
        inputIds: [
          [1, 2, 3],
          [3, 4, 5],
        ],
      },
      'INPUT_INVALID',
      '2 sequences',
    );
    const other = { inputIds: [[1, 2, 4]] };
    await refused(other, 'OPTION_INVALID', 'positions of one axis', {
      at: 'layers.0.attention.weights',
    });
    await refused(other, 'OPTION_INVALID', '119', { measure: { id: 120 } });
    await refused(other, 'OPTION_INVALID', 'finite', { measure: () => -Infinity });
  }));
