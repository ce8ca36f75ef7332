// The result that is stored beside weights, with which a model is compared as it is loaded.
import { expect, test } from 'vitest';
import { loadModel, type LoadOptions } from 'webgpu-transformer';
import { checkFile, resultOf } from '../../src/model/self-check.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { type Files, fixtureFiles, memorySource } from '../support/source.ts';

const onGpu = sharedGpu();

test('a stored result is compared, more coarsely where weights are in another format', () =>
  onGpu(async (gpu) => {
    const files = await fixtureFiles('bert_seqcls', ['config.json', 'model.safetensors']);
    const stored = await loadModel(memorySource(files), { gpu }).then(async (model) => {
      using one = model;
      return await resultOf(one, 'as stored');
    });
    expect(stored).toMatchObject({ output: 'logits', shape: [1, stored.values.length] });
    const load = async (change: object, options: LoadOptions = {}): Promise<void> => {
      const text = JSON.stringify({ ...stored, ...change });
      const all: Files = { ...files, [checkFile]: new TextEncoder().encode(text) };
      const model = await loadModel(memorySource(all), { gpu, check: true, ...options });
      model.dispose();
    };
    await load({});
    await load({}, { dtype: 'f16' });
    const [first = 0, ...others] = stored.values;
    const near = { values: [first + 0.01 * Math.max(...stored.values.map(Math.abs)), ...others] };
    await load(near, { dtype: 'f16' });
    await expectRejection(load(near), 'VALIDATION_FAILED', 'logits[0] is ', checkFile);
    await expectRejection(load({ shape: [1, 99] }), 'VALIDATION_FAILED', 'logits[0] is ');
    for (const wrong of [{ values: [] }, { places: ['x'] }, { output: 'secret' }, { inputs: 5 }]) {
      await expectRejection(load(wrong), 'FILE_INVALID', checkFile, '--write-check');
    }
    await expectRejection(load({ inputs: { inputIds: [[1e9]] } }), 'INPUT_INVALID', 'inputIds');
  }));
