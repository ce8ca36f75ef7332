// What a checkpoint is taken as, and what is said of one that cannot be loaded.
import { expect, test } from 'vitest';
import { loadModel, pipeline } from 'webgpu-transformer';
import { labelName } from '../../src/tasks/task.ts';
import type { JsonObject } from '../../src/source/json.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile, type StoredTensor } from '../support/safetensors.ts';
import {
  type Files,
  fixtureFiles,
  memorySource,
  readValues,
  withFields,
} from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';
import { checkpoint, waves } from '../support/waves.ts';

const onGpu = sharedGpu();
const json = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value));

test.each([
  'bert_base',
  'bert_mlm',
  'bert_qa',
  'bert_seqcls',
  'bert_tokcls',
  'distilbert_seqcls',
  'gpt2',
  'llama_gqa',
  'marian',
  'roberta_seqcls',
  't5_relu',
  'variants/distilbert_mlm',
  'variants/gemma3_text',
  'variants/llama_seqcls',
  'variants/roberta_tokcls',
  'variants/t5_encoder',
  'variants/xlm_roberta_qa',
])('%s without a class in config.json is what its weights show', (name) =>
  onGpu(async (gpu) => {
    const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
    const { architectures } = JSON.parse(new TextDecoder().decode(files['config.json'])) as {
      architectures: string[];
    };
    for (const none of [null, []]) {
      files['config.json'] = withFields(files['config.json'], { architectures: none });
      using model = await loadModel(memorySource(files), { gpu });
      expect(model.config['architectures']).toEqual(architectures);
      expect(model.warnings).toHaveLength(1);
      expect(model.warnings[0]).toMatch(/^config\.json.*"architectures".* as its weights show\.$/);
      expect(model.warnings[0]).toContain(architectures[0]);
    }
  }),
);

test('a task takes the class that it needs', () =>
  onGpu(async (gpu) => {
    const files: Record<string, Uint8Array<ArrayBuffer>> = await taskFiles('bert/mlm');
    const bare = {
      ...files,
      'config.json': withFields(files['config.json'], { architectures: null }),
    };
    using named = await pipeline('fill-mask', memorySource(files), { gpu });
    using unnamed = await pipeline('fill-mask', memorySource(bare), { gpu });
    expect(await unnamed('Paris is [MASK].')).toEqual(await named('Paris is [MASK].'));
    expect(named.model.warnings).toEqual([]);
    expect(unnamed.model.warnings.join()).toContain('BertForMaskedLM, as the task needs.');
    using features = await pipeline('feature-extraction', memorySource(bare), { gpu });
    expect(features.model.warnings.join()).toContain('BertModel');
    await expectRejection(
      pipeline('token-classification', memorySource(bare), { gpu }),
      'TENSOR_MISSING',
      '"classifier.weight"',
    );
    await expectRejection(
      pipeline('summarization', memorySource(bare), { gpu }),
      'MODEL_UNSUPPORTED',
      'no "architectures"',
      '"bert"',
      'ForConditionalGeneration',
    );
  }));

/** Settings of quantizations that are not read, and what people call these. */
const quantized: readonly (readonly [fields: JsonObject, name: string])[] = [
  [{ quantization_config: { quant_method: 'torchao' } }, 'torchao'],
  [{ quantization_config: { quant_method: 'hqq' } }, 'HQQ'],
  [{ quantization_config: { quant_method: 'aqlm' } }, 'AQLM'],
  [{ quantization_config: { quant_method: 'eetq' } }, 'EETQ'],
  [{ quantization_config: { quant_method: 'something_new' } }, 'something_new'],
  [{ quantization_config: { quant_algo: 'NVFP4' } }, 'ModelOpt'],
];

test('a quantized checkpoint is refused by its method, before its weights are looked at', () =>
  onGpu(async (gpu) => {
    const files = await fixtureFiles('llama_gqa', ['config.json']);
    for (const [fields, name] of quantized) {
      const source = memorySource({ 'config.json': withFields(files['config.json'], fields) });
      await expectRejection(
        loadModel(source, { gpu }),
        'MODEL_UNSUPPORTED',
        `"${Object.keys(fields)[0]}"`,
        `quantized, with ${name}`,
        'F32, F16 or BF16',
      );
      await expectRejection(
        pipeline('text-generation', source, { gpu }),
        'MODEL_UNSUPPORTED',
        name,
      );
    }
    for (const [suffix, name] of [
      ['qweight', 'GPTQ or AWQ'],
      ['weight.absmax', 'bitsandbytes'],
      ['weight_packed', 'compressed-tensors'],
      ['weight_scale_inv', 'FP8'],
    ] as const) {
      const tensor = { dtype: 'I32', shape: [1], bytes: new Uint8Array(4) };
      const weights = safetensorsFile({ [`model.layers.0.self_attn.q_proj.${suffix}`]: tensor });
      const source = memorySource({ ...files, 'model.safetensors': weights });
      await expectRejection(loadModel(source, { gpu }), 'MODEL_UNSUPPORTED', suffix, name);
    }
  }));

const config = json({ model_type: 'bert', architectures: ['BertModel'] });
const adapter = json({ peft_type: 'LORA', base_model_name_or_path: 'someone/base' });

const others: readonly (readonly [files: Files, parts: readonly string[]])[] = [
  [{ 'adapter_config.json': adapter }, ['adapter of "someone/base"', 'loadLora(model, source)']],
  [{ 'config.json': config, 'adapter_config.json': adapter }, ['adapter', 'loadLora']],
  [{ 'config.json': config, 'model-q4.gguf': json(0) }, ['model-q4.gguf', 'its own path']],
  [{ 'tiny.Q4_K_M.gguf': json(0) }, ['tiny.Q4_K_M.gguf', 'its own path or address']],
  [{ 'config.json': config, 'onnx/model.onnx': json(0) }, ['onnx/model.onnx', 'ONNX']],
  [
    { 'config.json': config, 'pytorch_model.bin': json(0) },
    ['pytorch_model.bin', 'save_pretrained'],
  ],
  [{ 'config.json': config, 'tf_model.h5': json(0) }, ['tf_model.h5', 'from_tf=True']],
  [
    { 'config.json': config, 'flax_model.msgpack': json(0) },
    ['flax_model.msgpack', 'from_flax=True'],
  ],
];

test.each(others.map(([files, parts]) => [Object.keys(files).join(), files, parts] as const))(
  'of %s it is said what they are',
  (_, files, parts) =>
    onGpu(async (gpu) => {
      const source = memorySource(files);
      const listed = { ...source, list: async () => Object.keys(files) };
      await expectRejection(loadModel(listed, { gpu }), 'FILE_NOT_FOUND', ...parts);
      if (!('config.json' in files)) {
        await expectRejection(pipeline('fill-mask', listed, { gpu }), 'FILE_NOT_FOUND', ...parts);
      }
      // A source may not know its files; those with a name of their own it can be asked for.
      if (Object.keys(files).some((name) => name.endsWith('.gguf'))) return;
      await expectRejection(loadModel(source, { gpu }), 'FILE_NOT_FOUND', ...parts);
    }),
);

test('weights stored as f64 are rounded to f32, and buffers of whole numbers are left alone', () =>
  onGpu(async (gpu) => {
    const fields = {
      model_type: 'bert',
      architectures: ['BertModel'],
      vocab_size: 11,
      hidden_size: 8,
      intermediate_size: 12,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: 8,
    };
    const usual = checkpoint(fields, await waves(fields));
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, { shape, data }] of readValues(usual['model.safetensors']!)) {
      // Less than half a unit in the last place away: what they round to is known.
      const wide = Float64Array.from(data, (value, i) => value * (1 + (i % 2 ? 2e-8 : -2e-8)));
      tensors[name] = { dtype: 'F64', shape, bytes: new Uint8Array(wide.buffer) };
    }
    const ids = new Uint8Array(BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i)).buffer);
    tensors['embeddings.position_ids'] = { dtype: 'I64', shape: [1, 8], bytes: ids };
    const wide = { ...usual, 'model.safetensors': safetensorsFile(tensors) };
    const inputs = { inputIds: [[3, 1, 10, 4]] };
    for (const dtype of ['f32', 'f16'] as const) {
      using model = await loadModel(memorySource(usual), { gpu, dtype });
      using other = await loadModel(memorySource(wide), { gpu, dtype });
      expect(await other.forward(inputs)).toEqual(await model.forward(inputs));
    }
  }));

test('labels are called what Python prints', () => {
  const name = (fields: JsonObject, index = 0): string => labelName({ config: fields }, index);
  const names = [0, 7, true, false, null, 0.5, 'text'];
  expect(names.map((value) => name({ id2label: { 0: value } }))).toEqual(
    ['0', '7', 'True', 'False', 'None', '0.5', 'text'], // prettier-ignore
  );
  expect(name({ id2label: ['a', 'b'] }, 1)).toBe('b');
  expect(name({ id2label: { 0: 'a', 3: 'b' } }, 1)).toBe('LABEL_1');
  expect(name({ label2id: { a: 0, b: 1 } }, 1)).toBe('LABEL_1');
  expect(name({ num_labels: 3, id2label: { 0: 'a', 1: 'b' } })).toBe('LABEL_0');
  expect(name({ num_labels: 2, id2label: { 0: 'a', 1: 'b' } })).toBe('a');
});
