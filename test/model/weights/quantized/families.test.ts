// Quantised matrices stand wherever a family has a linear layer: stacked, stored (in, out), in encoders and
// decoders. What is computed is what the dequantised weights give.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel } from 'webgpu-transformer';
import { Trainer } from 'webgpu-transformer/training';
import { transposed } from '../../../../src/model/weights/parameters.ts';
import { callInputs } from '../../../support/checkpoint.ts';
import { expectClose, readCase } from '../../../support/expected.ts';
import { limitBuffers, testGpus, withGpu } from '../../../support/gpu.ts';
import { changedFixture, resized } from '../../../support/quantized.ts';
import { safetensorsFile, type StoredTensor } from '../../../support/safetensors.ts';
import {
  type Files,
  fixtureFiles,
  memorySource,
  readValues,
  withFields,
} from '../../../support/source.ts';
import { MemoryTarget } from '../../../support/training.ts';

const [{ options: usual } = { options: {} }] = await testGpus();

const bytesOf = (values: Float32Array<ArrayBuffer> | Int8Array<ArrayBuffer>): Uint8Array =>
  new Uint8Array(values.buffer);

/** A fixture with the matrices of its layers in int8, as bitsandbytes has them, and with those dequantised. */
async function inBytes(name: string): Promise<{ packed: Files; plain: Files; count: number }> {
  const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
  const [packed, plain]: Record<string, StoredTensor>[] = [{}, {}];
  let count = 0;
  for (const [key, { shape, data }] of readValues(files['model.safetensors']!)) {
    const isMatrix = shape.length === 2 && /\.\d+\..*\.weight$/.test(key);
    const stored = { dtype: 'F32', shape };
    if (!isMatrix || key.includes('relative_attention_bias')) {
      packed![key] = plain![key] = { ...stored, bytes: bytesOf(data) };
      continue;
    }
    count++;
    const isTurned = name === 'gpt2';
    const sides = isTurned ? shape.toReversed() : shape;
    const [rows = 0, columns = 0] = sides;
    const own = isTurned ? transposed(data, shape) : data;
    const scales = Float32Array.from({ length: rows }, (_, row) =>
      own
        .subarray(row * columns, (row + 1) * columns)
        .reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    );
    const codes = Int8Array.from(own, (value, i) =>
      Math.round((value * 127) / scales[Math.floor(i / columns)]!),
    );
    const near = Float32Array.from(
      codes,
      (code, i) => code * Math.fround(scales[Math.floor(i / columns)]! / 127),
    );
    packed![key] = { dtype: 'I8', shape: sides, bytes: bytesOf(codes) };
    const scaleName = key.replace(/weight$/, 'SCB');
    packed![scaleName] = { dtype: 'F32', shape: [rows], bytes: bytesOf(scales) };
    const back = isTurned ? transposed(near, sides) : near;
    plain![key] = { ...stored, bytes: bytesOf(back) };
  }
  const settings = { quant_method: 'bitsandbytes', load_in_8bit: true };
  return {
    count,
    plain: { ...files, 'model.safetensors': safetensorsFile(plain!) },
    packed: {
      'config.json': withFields(files['config.json'], { quantization_config: settings }),
      'model.safetensors': safetensorsFile(packed!),
    },
  };
}

test.each(['gpt2', 'bert_base', 'marian', 't5_gated'])('%s', async (name) => {
  await withGpu(usual, async (gpu) => {
    const { packed, plain, count } = await inBytes(name);
    expect(count).toBeGreaterThan(5);
    const expected = await readCase(name);
    const [call = ''] = Object.keys(expected.inputs);
    const { inputIds = [], decoderInputIds } = callInputs(expected, call);
    const inputs = { inputIds, ...(decoderInputIds && { decoderInputIds }) };
    using wanted = await loadModel(memorySource(plain), { gpu });
    const outputs = Object.entries(await wanted.forward(inputs)) as [string, DenseTensor][];
    for (const training of name === 'gpt2' ? [false, true] : [false]) {
      using model = await loadModel(memorySource(packed), { gpu, training });
      const got = await model.forward(inputs);
      for (const [key, value] of outputs) {
        expectClose(got[key as 'logits'], value, `${name}: ${key}`);
      }
    }
  });
});

test('a quantised model that trains is saved as what it has become: plain', () =>
  withGpu(usual, async (gpu) => {
    const { packed, plain } = await inBytes('gpt2');
    using model = await loadModel(memorySource(packed), { gpu, training: true });
    const trainer = new Trainer(model, { learningRate: 0.1 });
    const target = new MemoryTarget();
    await trainer.saveModel(target);
    trainer.dispose();
    const saved = readValues(target.files['model.safetensors']!);
    const wanted = readValues(plain['model.safetensors']!);
    expect([...saved.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
    for (const [key, value] of wanted) {
      const tensor = saved.get(key);
      expect(tensor?.shape, `shape of ${key}`).toEqual(value.shape);
      expectClose(tensor, value, key, undefined, 1e-6);
    }
    const config = new TextDecoder().decode(target.files['config.json']);
    expect(config).not.toContain('quantization');
  }));

test('an embedding beyond one buffer, in parts that its file does not have', () =>
  withGpu(usual, async (gpu) => {
    const words = 300;
    const files = await changedFixture('mlx_8bit', (tensors) => {
      for (const [name, tensor] of Object.entries(tensors)) {
        if (!/^(model\.embed_tokens|lm_head)\./.test(name)) continue;
        const longer = resized(tensor, [words, tensor.shape[1]!]);
        for (let at = tensor.bytes.length; at < longer.bytes.length; at += tensor.bytes.length) {
          longer.bytes.set(tensor.bytes.subarray(0, longer.bytes.length - at), at);
        }
        tensors[name] = longer;
      }
    });
    const config = withFields(files['config.json'], { vocab_size: words });
    const source = memorySource({ ...files, 'config.json': config });
    const inputIds = [[7, 299, 128, 127, 5]];
    for (const dtype of [{}, { 'model.embed_tokens.*': 'f16', 'lm_head.*': 'f16' }] as const) {
      const results = [];
      for (const limit of [Infinity, 16_000]) {
        limitBuffers(gpu, limit);
        using model = await loadModel(source, { gpu, dtype });
        limitBuffers(gpu, Infinity);
        results.push(await model.forward({ inputIds }));
      }
      expect(results[1]).toEqual(results[0]);
    }
  }));
