// A model that is tried as it is loaded: a device that computes wrong results is told from one that is right.
import { expect, test } from 'vitest';
import { Gpu, loadModel, type LoadOptions } from 'webgpu-transformer';
import { withTensors } from '../support/entries.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource } from '../support/source.ts';

const onGpu = sharedGpu();
const names = ['config.json', 'model.safetensors'];

test.each([
  'bert_qa',
  'gpt2',
  'marian',
  'variants/t5_encoder',
  'torch_transformer_pre_gelu',
  'variants/whisper_model',
  'variants/ved_gpt2',
])('%s passes, with weights in f16 too', (folder) =>
  onGpu(async (gpu) => {
    const source = fixtureSource(folder);
    for (const dtype of [undefined, 'f16'] as const) {
      using model = await loadModel(source, { gpu, check: true, ...(dtype && { dtype }) });
      expect(model.gpu).toBe(gpu);
    }
  }),
);

test('a device that computes a kernel wrong is refused, and the kernel named', async () => {
  const gpu = await Gpu.request();
  const { device } = gpu;
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = ({ code, ...rest }) =>
    create({ ...rest, code: code.replaceAll('inverseSqrt(', '1.001 * inverseSqrt(') });
  const wrong = loadModel(fixtureSource('bert_base'), { gpu, check: true });
  await expectRejection(wrong, 'VALIDATION_FAILED', 'layer norm', ': off by ', 'driver');
  expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
  gpu.dispose();
});

test('weights that lead to no numbers, and what is no flag', () =>
  onGpu(async (gpu) => {
    const files = await fixtureFiles('bert_seqcls', names);
    const bytes = new Uint8Array(new Float32Array([NaN, 1, 2]).buffer);
    const bias = { 'classifier.bias': { dtype: 'F32', shape: [3], bytes } };
    const file = withTensors(files['model.safetensors']!, bias);
    const source = memorySource({ ...files, 'model.safetensors': file });
    await expectRejection(loadModel(source, { gpu, check: true }), 'VALIDATION_FAILED', 'finite');
    const options = { gpu, check: 1 } as unknown as LoadOptions;
    await expectRejection(loadModel(source, options), 'OPTION_INVALID', 'check is 1');
  }));
