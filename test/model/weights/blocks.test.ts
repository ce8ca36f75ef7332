// dtype: 'int8' and 'int4': weights that were rounded on the GPU as they arrived lie near the stored ones, and a
// model computes with them what the same rounded weights do in f32.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel, type Model, modelSize } from 'webgpu-transformer';
import { blocksOf } from '../../../src/runtime/dtype.ts';
import { readBack } from '../../../src/runtime/read-back.ts';
import { transposed } from '../../../src/model/weights/parameters.ts';
import '../../../src/training/trainable-models.ts';
import { trainableOf } from '../../../src/training/check.ts';
import { decodeBlocks } from '../../support/blocks.ts';
import { callInputs } from '../../support/checkpoint.ts';
import { expectClose, readCase } from '../../support/expected.ts';
import { testGpus, withGpu } from '../../support/gpu.ts';
import { expectRejection } from '../../support/rejection.ts';
import { safetensorsFile, type StoredTensor } from '../../support/safetensors.ts';
import { fixtureFiles, fixtureSource, memorySource, readValues } from '../../support/source.ts';

type Formats = Map<string, string>;

/** The checkpoint with each matrix as the model has it, in f32; and the formats of all. */
async function asHeld(
  model: Model,
  file: Uint8Array<ArrayBuffer>,
): Promise<{ file: Uint8Array<ArrayBuffer>; formats: Formats }> {
  const stored = readValues(file);
  const formats: Formats = new Map();
  const { slices } = trainableOf('model', model);
  for (const { name, shape, storedFirst, tensor, first, size, transposed: turned } of slices) {
    formats.set(name, tensor.dtype);
    if (!blocksOf(tensor.dtype)) continue;
    const [bytes] = await readBack(model.gpu, [tensor]);
    const all = decodeBlocks(bytes!, tensor.dtype).values;
    const columns = tensor.size(-1);
    const rows = Float32Array.from({ length: size }, (_, i) => {
      const at = first + i;
      return all[Math.floor(at / columns) * tensor.pitch + (at % columns)]!;
    });
    const entry = stored.get(name)!;
    const own = turned === true ? transposed(rows, shape.toReversed()) : rows;
    const largest = entry.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const allowed = largest / (tensor.dtype.startsWith('int4') ? 5 : 100);
    for (const [i, value] of own.entries()) {
      expect(Math.abs(value - entry.data[storedFirst + i]!)).toBeLessThan(allowed);
      entry.data[storedFirst + i] = value;
    }
  }
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, { shape, data }] of stored) {
    tensors[name] = { dtype: 'F32', shape, bytes: new Uint8Array(data.slice().buffer) };
  }
  return { file: safetensorsFile(tensors), formats };
}

/** Causal and masked models, tied and not, stacked, transposed; encoder and decoder. */
const cases = ['bart', 'bert_seqcls', 'gpt2', 'llama_gqa', 't5_gated'];

for (const { name: device, options } of await testGpus()) {
  test(`models compute with rounded weights, ${device}`, () =>
    withGpu(options, async (gpu) => {
      for (const [i, name] of cases.entries()) {
        const dtype = i % 2 === 0 ? 'int4' : 'int8';
        const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
        using model = await loadModel(fixtureSource(name), { gpu, dtype });
        const { file, formats } = await asHeld(model, files['model.safetensors']!);
        const inBlocks = [...formats].filter(([, format]) => format.startsWith('int'));
        expect(inBlocks.length).toBeGreaterThan(4);
        expect(inBlocks).toEqual(
          inBlocks.map(([key]) => {
            const isFine = dtype === 'int8' || !/\.\d+\./.test(key);
            return [key, isFine ? 'int8-64-f16' : 'int4-32-f16'];
          }),
        );
        using plain = await loadModel(memorySource({ ...files, 'model.safetensors': file }), {
          gpu,
          dtype: 'f32',
        });
        const expected = await readCase(name);
        const [call = ''] = Object.keys(expected.inputs);
        const { inputIds = [], decoderInputIds } = callInputs(expected, call);
        const inputs = { inputIds, ...(decoderInputIds && { decoderInputIds }) };
        const [got, wanted] = await Promise.all([model.forward(inputs), plain.forward(inputs)]);
        for (const [key, value] of Object.entries(wanted) as [string, DenseTensor][]) {
          expectClose(got[key as 'logits'], value, `${name}: ${key}`);
        }
      }
    }));
}

test('formats by name, and what they take', async () => {
  const [{ options } = { options: {} }] = await testGpus();
  await withGpu(options, async (gpu) => {
    const source = fixtureSource('llama_gqa');
    const dtype = { '*.0.*': 'int4', '*.mlp.*': 'f16', '*': 'int8' } as const;
    using model = await loadModel(source, { gpu, dtype });
    const formats = new Map(
      trainableOf('model', model).slices.map(({ name, tensor }) => [name, tensor.dtype]),
    );
    expect(formats.get('model.layers.0.mlp.up_proj.weight')).toBe('int4-32-f16');
    expect(formats.get('model.layers.1.mlp.up_proj.weight')).toBe('f16');
    expect(formats.get('model.layers.1.self_attn.o_proj.weight')).toBe('int8-64-f16');
    expect(formats.get('model.embed_tokens.weight')).toBe('int8-64-f16');
    expect(formats.get('model.norm.weight')).toBe('f32');
    const wrong = loadModel(source, { gpu, dtype: { '*.norms.*': 'f16' } });
    await expectRejection(wrong, 'OPTION_INVALID', '*.norms.*');
  });
});

test('int4 takes what modelSize says', async () => {
  const [{ options } = { options: {} }] = await testGpus();
  await withGpu(options, async (gpu) => {
    for (const folder of ['llama_gqa', 'llama_bf16', 'variants/llama_bias']) {
      const source = fixtureSource(folder);
      const { gpuBytes } = await modelSize(source);
      for (const dtype of ['f32', 'f16', 'int8', 'int4'] as const) {
        const before = gpu.memory.bytes;
        using model = await loadModel(source, { gpu, dtype });
        const bytes = model.gpu.memory.bytes - before;
        expect(bytes / gpuBytes[dtype], `${folder} ${dtype}`).toBeGreaterThan(0.97);
        expect(bytes / gpuBytes[dtype], `${folder} ${dtype}`).toBeLessThan(1.03);
      }
    }
  });
});
