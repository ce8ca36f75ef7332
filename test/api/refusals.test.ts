// Checkpoints that would compute something else than what this library does: each is refused by the name
// of the field and of the file, and nothing stays allocated.
import { expect, test } from 'vitest';
import { type ErrorCode, loadModel, type Model } from 'webgpu-transformer';
import 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, expectTensor, readCase } from '../support/expected.ts';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile, type StoredTensor } from '../support/safetensors.ts';
import { fixtureFiles, memorySource, readValues, withFields } from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
type Files = Record<string, Uint8Array<ArrayBuffer>>;
type Fields = Record<string, unknown>;

const filesOf = (folder: string): Promise<Files> =>
  fixtureFiles(folder, ['config.json', 'model.safetensors']);
const configured = (files: Files, fields: Fields): Files => ({
  ...files,
  'config.json': withFields(files['config.json'], fields),
});

/** The checkpoint with other tensors. */
function weighted(files: Files, change: (tensors: Record<string, StoredTensor>) => void): Files {
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, { shape, data }] of readValues(files['model.safetensors']!)) {
    tensors[name] = { dtype: 'F32', shape, bytes: new Uint8Array(data.buffer) };
  }
  change(tensors);
  return { ...files, 'model.safetensors': safetensorsFile(tensors) };
}

/** Fields of config.json, by the case whose checkpoint gets them. */
const settings: Readonly<Record<string, readonly Fields[]>> = {
  bert_base: [
    { hidden_act: 'mish' },
    { architectures: ['BertForNextSentencePrediction'] },
    { architectures: ['BertLMHeadModel'] },
    { architectures: ['JinaBertModel'] },
    { is_decoder: true },
    { add_cross_attention: true },
    { position_embedding_type: 'relative_key' },
    { position_embedding_type: 'alibi' },
    { pruned_heads: { 1: [0, 2] } },
    { feed_forward_type: 'geglu' },
    { auto_map: { AutoModel: 'modeling.OwnModel' } },
    { lora_adaptations: ['retrieval.query', 'separation'] },
    { quantization_config: { quant_method: 'gptq', bits: 4 } },
  ],
  roberta_base: [
    { architectures: ['RobertaForCausalLM'] },
    { position_embedding_type: 'relative' },
  ],
  distilbert_seqcls: [{ activation: 'elu' }, { architectures: ['DistilBertForMultipleChoice'] }],
  gpt2: [
    { activation_function: 'gelu_10' },
    { architectures: ['GPT2DoubleHeadsModel'] },
    { architectures: ['GPT2ForQuestionAnswering'] },
    { add_cross_attention: true },
    { alibi: true },
  ],
  llama_gqa: [
    { architectures: ['LlamaForQuestionAnswering'] },
    { architectures: ['LlamaForCausalLMOfSomeone'] },
    { hidden_act: 'xielu' },
    { attention_multiplier: 0.125 },
    { logits_scaling: 8 },
    { num_local_experts: 8 },
    { clip_qkv: 8 },
    { is_causal: false },
    { use_bidirectional_attention: true },
    { layer_types: ['full_attention', 'linear_attention'] },
    { layer_types: ['full_attention', 'sliding_attention'] },
    { layer_types: ['full_attention'] },
    { layer_types: 'full_attention' },
    { quantization_config: { quant_method: 'fp8' } },
  ],
  'variants/mistral_window': [
    { layer_types: ['sliding_attention', 'full_attention'] },
    { sliding_window: null, layer_types: ['sliding_attention', 'sliding_attention'] },
  ],
  'variants/qwen3': [
    { layer_types: ['full_attention', 'chunked_attention'] },
    { layer_types: ['full_attention', 'sliding_attention'] },
  ],
  'variants/gemma2': [{ layer_types: ['full_attention'] }, { hidden_activation: 'gelu_python' }],
  'variants/gemma3_text': [{ use_bidirectional_attention: true }],
  'variants/gemma3n_text': [
    { hidden_size_per_layer_input: 0 },
    { hidden_activation: 'gelu_python' },
  ],
  'variants/gemma4_text': [
    { use_bidirectional_attention: 'all' },
    { use_bidirectional_attention: 'images' },
    { layer_types: ['full_attention'] },
    { hidden_activation: 'gelu_python' },
  ],
  bart: [
    { architectures: ['BartForQuestionAnswering'] },
    { architectures: ['BartForCausalLM'] },
    { normalize_before: true },
    { tie_encoder_decoder: true },
  ],
  marian: [{ architectures: ['MarianForCausalLM'] }, { static_position_embeddings: false }],
  t5_relu: [
    { architectures: ['T5ForTokenClassification'] },
    { feed_forward_proj: 'gated-tanhshrink' },
  ],
};

for (const [name, list] of Object.entries(settings)) {
  test(`${name}: settings that change the result`, () =>
    withGpu(usual, async (gpu) => {
      const files = await filesOf(name);
      for (const fields of list) {
        const field = Object.keys(fields).at(-1)!;
        const loading = loadModel(memorySource(configured(files, fields)), { gpu });
        const parts = ['config.json', `"${field}"`, JSON.stringify(fields[field])];
        await expectRejection(loading, 'MODEL_UNSUPPORTED', ...parts);
        expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
      }
    }));
}

test('the same settings, where they say what a model without them does', () =>
  withGpu(usual, async (gpu) => {
    const accepted: [string, Fields][] = [
      ['bert_base', { pruned_heads: {}, auto_map: null, feed_forward_type: 'original' }],
      ['gpt2', { scale_attn_weights: true, alibi: false, num_experts: 0 }],
      ['llama_gqa', { layer_types: ['full_attention', 'full_attention'], logits_scaling: 1 }],
      ['llama_gqa', { is_causal: true, quantization_config: null, clip_qkv: null }],
    ];
    for (const [name, fields] of accepted) {
      const files = configured(await filesOf(name), fields);
      using model = await loadModel(memorySource(files), { gpu });
      const expected = await readCase(name);
      expectTensor(
        (await model.forward(callInputs(expected, 'nomask'), { hiddenStates: true }))
          .hiddenStates?.[2],
        'nomask/hidden_states.2',
        expected,
      );
    }
  }));

test('rotary positions of an unknown kind, and with unknown settings', () =>
  withGpu(usual, async (gpu) => {
    const files = await filesOf('llama_gqa');
    const refused = (fields: Fields, ...parts: string[]): Promise<void> =>
      expectRejection(
        loadModel(memorySource(configured(files, fields)), { gpu }),
        'MODEL_UNSUPPORTED',
        'config.json',
        ...parts,
      );
    await refused({ rope_scaling: { rope_type: 'spiral', factor: 2 } }, '"rope_scaling"', 'spiral');
    await refused({ rope_parameters: { rope_type: 'su' } }, '"rope_parameters"', '"su"');
    await refused(
      { rope_scaling: { type: 'default', mrope_section: [2, 1, 1] } },
      '"rope_scaling"',
      'mrope_section',
    );
  }));

test('quantized weights are refused for their config, not for the tensors they lack', () =>
  withGpu(usual, async (gpu) => {
    const files = weighted(await filesOf('llama_gqa'), (tensors) => {
      const name = 'model.layers.0.self_attn.q_proj';
      delete tensors[`${name}.weight`];
      tensors[`${name}.qweight`] = { dtype: 'I32', shape: [2, 3], bytes: new Uint8Array(24) };
    });
    const load = (fields: Fields): Promise<Model> =>
      loadModel(memorySource(configured(files, fields)), { gpu });
    await expectRejection(load({}), 'MODEL_UNSUPPORTED', 'q_proj.qweight', 'GPTQ or AWQ');
    const quantization = { quantization_config: { quant_method: 'hqq' } };
    await expectRejection(load(quantization), 'MODEL_UNSUPPORTED', '"quantization_config"', 'HQQ');
  }));

test('tensors of other shapes, and those that a class needs', () =>
  withGpu(usual, async (gpu) => {
    const refused = async (
      name: string,
      fields: Fields,
      code: ErrorCode,
      ...parts: string[]
    ): Promise<void> => {
      const files = configured(await filesOf(name), fields);
      await expectRejection(loadModel(memorySource(files), { gpu }), code, ...parts);
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    };
    await refused(
      'bert_base',
      { hidden_size: 36 },
      'TENSOR_MISMATCH',
      'query',
      '(32, 32)',
      '(36, 36)',
    );
    await refused('gpt2', { n_inner: 96 }, 'TENSOR_MISMATCH', 'h.0.mlp.c_fc', '(32, 128)', '96');
    await refused('llama_gqa', { head_dim: 4 }, 'TENSOR_MISMATCH', 'q_proj', '(48, 48)');
    await refused('llama_gqa', { attention_bias: true }, 'TENSOR_MISSING', 'q_proj.bias');
    await refused('qwen2', { num_key_value_heads: 4 }, 'TENSOR_MISMATCH', 'k_proj');
    await refused('bart', { tie_word_embeddings: false }, 'TENSOR_MISSING', 'lm_head.weight');
    await refused('t5_relu', { num_decoder_layers: 3 }, 'TENSOR_MISSING', 'decoder.block.2');
    const classifier = { architectures: ['BertForTokenClassification'] };
    await refused('bert_base', classifier, 'TENSOR_MISSING', 'classifier.weight');

    // A classifier of sequences needs the pooler; the encoder alone does without.
    const files = await filesOf('bert_seqcls');
    const bare = weighted(files, (tensors) => {
      for (const key of Object.keys(tensors)) if (key.includes('pooler')) delete tensors[key];
    });
    const loading = loadModel(memorySource(bare), { gpu });
    await expectRejection(loading, 'TENSOR_MISSING', 'bert.pooler.dense.weight');
    const encoder = configured(bare, { architectures: ['BertModel'] });
    using model = await loadModel(memorySource(encoder), { gpu });
    const expected = await readCase('bert_seqcls');
    const { labels: _, ...inputs } = callInputs(expected, 'main');
    const output = await model.forward(inputs, { hiddenStates: true });
    expect(Object.keys(output).toSorted()).toEqual(['hiddenStates', 'lastHiddenState']);
    expectTensor(output.hiddenStates?.[2], 'main/hidden_states.2', expected, {
      attention_mask: inputs.attentionMask,
    });
  }));

test('sequence classifiers without a padding token take one sequence', () =>
  withGpu(usual, async (gpu) => {
    const files = configured(await filesOf('variants/llama_seqcls'), { pad_token_id: null });
    using model = await loadModel(memorySource(files), { gpu });
    const inputIds = [
      [7, 8, 9],
      [9, 8, 7],
    ];
    const work = model.forward({ inputIds });
    await expectRejection(work, 'INPUT_INVALID', 'inputIds', '"pad_token_id"', '2 rows');
    const { logits } = await model.forward({ inputIds: inputIds.slice(0, 1) });
    expect(logits?.shape).toEqual([1, 3]);
  }));

test('base classes of encoder–decoder models', () =>
  withGpu(usual, async (gpu) => {
    const inner = await filesOf('variants/bart_uneven');
    const base = configured(inner, { architectures: ['BartModel'] });
    const bare = weighted(base, (tensors) => {
      for (const [key, tensor] of Object.entries(tensors)) {
        delete tensors[key];
        if (key !== 'final_logits_bias') tensors[key.replace(/^model\./, '')] = tensor;
      }
    });
    using model = await loadModel(memorySource(bare), { gpu });
    const expected = await readCase('variants/bart_uneven');
    const inputs = callInputs(expected, 'main');
    const { lastHiddenState, logits } = await model.forward(inputs);
    const last = [...expected.values.keys()]
      .filter((key) => key.startsWith('main/decoder_hidden_states'))
      .at(-1)!;
    expectTensor(lastHiddenState, last, expected, {
      decoder_attention_mask: inputs.decoderAttentionMask,
    });
    // The logits are there, too: those of the tied output layer, which here has no bias.
    const bias = readValues(inner['model.safetensors']!).get('final_logits_bias')!.data;
    const whole = expected.values.get('main/logits')!;
    const wanted = { ...whole, data: whole.data.map((value, i) => value - bias[i % bias.length]!) };
    const mask = inputs.decoderAttentionMask!;
    expectClose(logits, wanted, 'logits', ([row, at]) => mask[row!]![at!] === 1);
  }));

test('classifiers of numbers and of flags, and those of neither', () =>
  withGpu(usual, async (gpu) => {
    const files = await filesOf('variants/bert_multilabel');
    const load = (problem: string, training: boolean): Promise<Model> =>
      loadModel(memorySource(configured(files, { problem_type: problem })), { gpu, training });
    using other = await load('ranking', true);
    await expectRejection(() => other.trainable().expectLoss(), 'MODEL_UNSUPPORTED', 'ranking');
    using model = await load('regression', false);
    const inputIds = [[7, 31, 12]];
    const labels = [[0.5, -1, 2, 0.25]];
    const { logits, loss } = await model.forward({ inputIds, labels });
    const squares = [...logits!.data].map((value, i) => (value - labels[0]![i]!) ** 2);
    expect(loss!.data[0]).toBeCloseTo(squares.reduce((sum, square) => sum + square) / 4, 5);
    const short = model.forward({ inputIds, labels: [[0.5, -1]] });
    await expectRejection(short, 'INPUT_INVALID', 'labels', '4 numbers');
    const none = model.forward({ inputIds, labels: [[0.5, -1, 2, Infinity]] });
    await expectRejection(none, 'INPUT_INVALID', 'Infinity', '4 numbers');
  }));
