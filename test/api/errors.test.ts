// Bad files, inputs and options: each ends in one typed error that says what to do, and leaves
// nothing allocated.
import { expect, test } from 'vitest';
import {
  type ErrorCode,
  loadModel,
  type Model,
  type ModelInputs,
  pipeline,
} from 'webgpu-transformer';
import { testGpus, withGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { safetensorsFile, type StoredTensor } from '../support/safetensors.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  withFields,
} from '../support/source.ts';

const [{ options: usual } = { options: {} }] = await testGpus();
type Files = Record<string, Uint8Array<ArrayBuffer>>;
type Fields = Record<string, unknown>;

test('a model has nothing to train it with before training is imported', () =>
  withGpu(usual, async (gpu) => {
    for (const fixture of ['marian', 'bert_seqcls']) {
      using model = await loadModel(fixtureSource(fixture), { gpu, training: true });
      expect(() => model.trainable()).toThrow("Import something of 'webgpu-transformer/training'");
    }
  }));

test('files that cannot be loaded', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('marian');
    const refused = async (changed: Files, code: ErrorCode, ...parts: string[]): Promise<void> => {
      await expectRejection(loadModel(memorySource(changed), { gpu }), code, ...parts);
      expect(gpu.memory).toMatchObject({ bytes: 0, buffers: 0 });
    };
    const without = (name: string): Files =>
      Object.fromEntries(Object.entries(files).filter(([file]) => file !== name));
    const configured = (fields: Fields): Files => ({
      ...files,
      'config.json': withFields(files['config.json'], fields),
    });
    const weighted = (change: (tensors: Record<string, StoredTensor>) => void): Files => {
      const tensors: Record<string, StoredTensor> = {};
      for (const [name, { shape, data }] of readValues(files['model.safetensors']!)) {
        tensors[name] = { dtype: 'F32', shape, bytes: new Uint8Array(data.buffer) };
      }
      change(tensors);
      return { ...files, 'model.safetensors': safetensorsFile(tensors) };
    };
    const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

    await refused(without('config.json'), 'FILE_NOT_FOUND', 'config.json', 'memory');
    await refused(without('model.safetensors'), 'FILE_NOT_FOUND', 'model.safetensors');
    await refused({ ...files, 'config.json': bytes('[1]') }, 'CONFIG_INVALID', 'config.json');
    await refused({ ...files, 'config.json': bytes('{"d_model"') }, 'FILE_INVALID', 'config.json');
    await refused(
      { ...files, 'generation_config.json': bytes('7') },
      'CONFIG_INVALID',
      'generation_config',
    );
    const cut = files['model.safetensors']!.slice(0, 9999);
    await refused({ ...files, 'model.safetensors': cut }, 'FILE_TRUNCATED', 'model.safetensors');

    await refused(configured({ model_type: 'marain' }), 'MODEL_UNSUPPORTED', 'marain', '"marian"');
    await refused(configured({ model_type: 'mamba' }), 'MODEL_UNSUPPORTED', 'mamba', 'marian');
    await refused(configured({ model_type: undefined }), 'MODEL_UNSUPPORTED', 'model_type');
    await refused(configured({ d_model: 32.5 }), 'CONFIG_INVALID', '"d_model"', '32.5');
    await refused(configured({ d_model: '32' }), 'CONFIG_INVALID', '"d_model"', '"32"');
    await refused(configured({ encoder_layers: 0 }), 'CONFIG_INVALID', '"encoder_layers"', '1');
    await refused(configured({ vocab_size: undefined }), 'CONFIG_INVALID', '"vocab_size"');
    await refused(
      configured({ decoder_attention_heads: 5 }),
      'CONFIG_INVALID',
      '"decoder_attention_heads"',
      '5',
      'divisor of 32',
    );
    await refused(configured({ scale_embedding: 'yes' }), 'CONFIG_INVALID', '"scale_embedding"');
    await refused(
      configured({ activation_function: 'laplace' }),
      'MODEL_UNSUPPORTED',
      'laplace',
      'relu',
    );
    await refused(
      configured({ activation_function: 'toString' }),
      'MODEL_UNSUPPORTED',
      'activation_function',
    );
    await refused(configured({ normalize_before: true }), 'MODEL_UNSUPPORTED', 'normalize_before');
    await refused(
      configured({ encoder_ffn_dim: 47 }),
      'TENSOR_MISMATCH',
      'model.encoder.layers.0.fc1.weight',
      '(48, 32)',
      '(47, 32)',
    );
    await refused(
      weighted((tensors) => delete tensors['model.decoder.layers.1.fc2.bias']),
      'TENSOR_MISSING',
      'model.decoder.layers.1.fc2.bias',
    );
    await refused(
      weighted((tensors) => {
        const { bytes: data } = tensors['final_logits_bias']!;
        tensors['final_logits_bias'] = { dtype: 'I32', shape: [1, 112], bytes: data };
      }),
      'MODEL_UNSUPPORTED',
      'final_logits_bias',
      'I32',
    );
  }));

test('options that are unknown or not supported', () =>
  withGpu(usual, async (gpu) => {
    const source = fixtureSource('marian');
    const load = (options: object): Promise<Model> => loadModel(source, { gpu, ...options });
    await expectRejection(load({ dtype: 'int3' }), 'OPTION_INVALID', 'int3', "'int4'");
    await expectRejection(load({ dtype: { '*': 'float16' } }), 'OPTION_INVALID', 'float16');
    await expectRejection(load({ dType: 'f16' }), 'OPTION_UNKNOWN', '"dType"', '"dtype"');
    expect(gpu.memory.buffers).toBe(0);

    using model = await load({});
    const inputs: ModelInputs = { inputIds: [[5, 6, 7]] };
    const generate = (options: object) => model.generate(inputs, { numBeams: 1, ...options });
    const refused: [object, ErrorCode, ...string[]][] = [
      [{ topp: 0.5 }, 'OPTION_UNKNOWN', '"topp"', '"topP"'],
      [{ max_new_tokens: 5 }, 'OPTION_UNKNOWN', '"max_new_tokens"', '"maxNewTokens"'],
      [{ numBeam: 1 }, 'OPTION_UNKNOWN', '"numBeam"', '"numBeams"'],
      [{ numBeams: 0 }, 'OPTION_INVALID', 'numBeams is 0', '1 to 128'],
      [{ numBeams: 2.5 }, 'OPTION_INVALID', 'numBeams is 2.5', 'whole number'],
      [{ doSample: 1 }, 'OPTION_INVALID', 'doSample is 1', 'true or false'],
      [{ temperature: 0.7 }, 'OPTION_INVALID', 'temperature', 'doSample: true'],
      [{ topP: 0.9 }, 'OPTION_INVALID', 'topP', 'doSample: true'],
      [{ topP: 1.5, doSample: true }, 'OPTION_INVALID', 'topP is 1.5', '0 to 1'],
      [{ temperature: 0, doSample: true }, 'OPTION_INVALID', 'temperature is 0'],
      [{ seed: -1, doSample: true }, 'OPTION_INVALID', 'seed is -1'],
      [{ lengthPenalty: 2 }, 'OPTION_INVALID', 'lengthPenalty is 2', 'numBeams above 1'],
      [{ earlyStopping: true }, 'OPTION_INVALID', 'earlyStopping', 'numBeams above 1'],
      [{ earlyStopping: 'always', numBeams: 2 }, 'OPTION_INVALID', '"always"', "'never'"],
      [{ numReturnSequences: 2 }, 'OPTION_INVALID', 'numReturnSequences', 'doSample: true'],
      [{ numReturnSequences: 3, numBeams: 2 }, 'OPTION_INVALID', 'numBeams (2)'],
      [{ repetitionPenalty: 0 }, 'OPTION_INVALID', 'repetitionPenalty is 0'],
      [{ presencePenalty: Infinity }, 'OPTION_INVALID', 'presencePenalty'],
      [{ noRepeatNgramSize: -1 }, 'OPTION_INVALID', 'noRepeatNgramSize is -1'],
      [{ exponentialDecayLengthPenalty: [3] }, 'OPTION_INVALID', '[3]', 'factor'],
      [{ sequenceBias: [[[], 1]] }, 'OPTION_INVALID', 'sequenceBias', '[[[],1]]'],
      [{ stoppingCriteria: 'end' }, 'OPTION_INVALID', 'stoppingCriteria', 'function'],
      [{ eosTokenId: 112 }, 'OPTION_INVALID', 'eosTokenId is 112'],
      [{ decoderStartTokenId: 112 }, 'OPTION_INVALID', 'decoderStartTokenId is 112'],
      [{ numBeamGroups: 2 }, 'OPTION_INVALID', 'numBeamGroups is 2', 'nothing else'],
      [{ guidanceScale: 1.5 }, 'OPTION_INVALID', 'guidanceScale is 1.5'],
      [{ stopStrings: ['end'] }, 'OPTION_INVALID', 'stopStrings', '["end"]'],
      [{ maxNewTokens: 0 }, 'OPTION_INVALID', 'maxNewTokens is 0', '1 to 40'],
      [{ maxNewTokens: -3 }, 'OPTION_INVALID', 'maxNewTokens is -3'],
      [{ maxNewTokens: 2.5 }, 'OPTION_INVALID', 'maxNewTokens is 2.5'],
      [{ maxNewTokens: 41 }, 'OPTION_INVALID', 'maxNewTokens is 41', '40 positions'],
      [{ maxNewTokens: '5' }, 'OPTION_INVALID', 'maxNewTokens'],
      [{ maxLength: 1 }, 'OPTION_INVALID', 'maxLength is 1', '2 to 41'],
      [{ forcedBosTokenId: 112 }, 'OPTION_INVALID', 'forcedBosTokenId', '112', '111'],
      [{ suppressTokens: [-1] }, 'OPTION_INVALID', 'suppressTokens', '-1'],
      [{ badWordsIds: [[1, 112]] }, 'OPTION_INVALID', 'badWordsIds', '[1,112]', '111'],
      [{ badWordsIds: 7 }, 'OPTION_INVALID', 'badWordsIds'],
    ];
    const held = gpu.memory.buffers;
    for (const [options, code, ...parts] of refused) {
      await expectRejection(generate(options), code, ...parts);
      await expectRejection(
        model.stream(inputs, { numBeams: 1, ...options }).next(),
        code,
        ...parts,
      );
    }
    // This checkpoint's generation_config.json asks for four beams.
    const streamed = model.stream(inputs).next();
    await expectRejection(streamed, 'OPTION_INVALID', 'numBeams is 4', 'numBeams: 1');
    await expectRejection(
      model.forward({ ...inputs, decoderInputIds: [[1]] }, { hidden_states: true } as object),
      'OPTION_UNKNOWN',
      '"hiddenStates"',
    );
    expect(gpu.memory.buffers).toBe(held);
    const undecided = generate({ stoppingCriteria: () => [] });
    await expectRejection(undecided, 'OPTION_INVALID', 'stoppingCriteria', '1 booleans');
    const { sequences } = await generate({ maxNewTokens: 3 });
    expect(sequences[0]).toHaveLength(4);
  }));

test('settings of generation_config.json that are not supported', () =>
  withGpu(usual, async (gpu) => {
    const files = await fixtureFiles('marian');
    const refuse = async (fields: Fields, ...parts: string[]): Promise<void> => {
      const generation = withFields(files['generation_config.json'], fields);
      const source = memorySource({ ...files, 'generation_config.json': generation });
      using model = await loadModel(source, { gpu });
      const generate = model.generate({ inputIds: [[5, 6]] });
      await expectRejection(generate, 'OPTION_INVALID', 'in generation_config.json', ...parts);
    };
    await refuse({ num_beam_groups: 2 }, 'numBeamGroups is 2');
    await refuse({ penalty_alpha: 0.6 }, 'penaltyAlpha is 0.6');
    await refuse({ force_words_ids: [[1]] }, 'forceWordsIds');
    await refuse({ watermarking_config: {} }, 'watermarkingConfig');
    await refuse({ num_beams: 0 }, 'numBeams is 0');
    await refuse({ forced_bos_token_id: 112 }, 'forcedBosTokenId is 112');
  }));

test('inputs that do not fit', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('marian'), { gpu });
    const good = {
      inputIds: [
        [5, 6],
        [7, 8],
      ],
      decoderInputIds: [[111], [111]],
    };
    const long = [Array<number>(41).fill(3), Array<number>(41).fill(3)];
    const refused: [object, ...string[]][] = [
      [{ inputIds: undefined }, 'inputIds', 'missing'],
      [{ inputIds: [] }, 'inputIds', 'empty'],
      [{ inputIds: [[], []] }, 'inputIds', 'empty sequence'],
      [{ inputIds: [5, 6] }, 'inputIds', '5', '[[…], […]]'],
      [{ inputIds: 'text' }, 'inputIds', '"text"'],
      [{ inputIds: [[5, 6], [7]] }, 'inputIds is ragged', 'row 1 has 1', 'attention mask'],
      [
        {
          inputIds: [
            [5, 6],
            [7, 112],
          ],
        },
        'inputIds[1][1] is 112',
        '0 to 111',
      ],
      [
        {
          inputIds: [
            [5, -1],
            [7, 8],
          ],
        },
        'inputIds[0][1] is -1',
      ],
      [
        {
          inputIds: [
            [5, 1.5],
            [7, 8],
          ],
        },
        'inputIds[0][1] is 1.5',
      ],
      [
        {
          inputIds: [
            [5, '6'],
            [7, 8],
          ],
        },
        'inputIds[0]',
      ],
      [{ inputIds: [[5, 6]] }, 'inputIds has 1', 'decoderInputIds has 2'],
      [{ inputIds: long }, 'inputIds has 41 tokens', '40 positions'],
      [{ attentionMask: [[1, 1]] }, 'attentionMask is 1 × 2', 'inputIds is 2 × 2'],
      [{ attentionMask: [[1, 1], [1]] }, 'attentionMask is ragged'],
      [
        {
          attentionMask: [
            [1, 1],
            [1, 2],
          ],
        },
        'attentionMask[1][1] is 2',
        '0 to 1',
      ],
      [
        {
          attentionMask: [
            [true, true],
            [true, false],
          ],
        },
        'attentionMask[0]',
      ],
      [{ decoderInputIds: undefined }, 'decoderInputIds', 'missing'],
      [{ decoderInputIds: [[0], [112]] }, 'decoderInputIds[1][0] is 112'],
      [{ decoderInputIds: long }, 'decoderInputIds has 41 tokens'],
      [
        {
          decoderAttentionMask: [
            [1, 1],
            [1, 1],
          ],
        },
        'decoderAttentionMask is 2 × 2',
      ],
      [
        {
          labels: [
            [1, 2],
            [3, 4],
          ],
        },
        'labels is 2 × 2',
        'decoderInputIds is 2 × 1',
      ],
      [{ labels: [[112], [3]] }, 'labels[0][0] is 112'],
      [{ labels: [[-101], [3]] }, 'labels[0][0] is -101'],
      [{ input_ids: [[1]] }, '"input_ids"', 'inputIds'],
      [{ inputsEmbeds: { data: new Float32Array(2), shape: [1, 1, 2] } }, '"inputsEmbeds"'],
    ];
    const held = gpu.memory.buffers;
    for (const [inputs, ...parts] of refused) {
      const given = { ...good, ...inputs };
      await expectRejection(model.forward(given), 'INPUT_INVALID', ...parts);
    }
    await expectRejection(
      model.generate({ ...good, labels: [[1], [2]] }, { numBeams: 1 }),
      'INPUT_INVALID',
      '"labels"',
    );
    await expectRejection(
      model.generate({ inputIds: [[112]] }, { numBeams: 1 }),
      'INPUT_INVALID',
      'inputIds[0][0] is 112',
    );
    expect(gpu.memory.buffers).toBe(held);
    expect((await model.forward(good)).logits!.shape).toEqual([2, 1, 112]);
  }));

test('inputs of nn.Transformer that do not fit', () =>
  withGpu(usual, async (gpu) => {
    using model = await loadModel(fixtureSource('torch_transformer_post_relu'), { gpu });
    const dense = (...shape: number[]) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return { data: new Float32Array(size), shape };
    };
    const good = { inputsEmbeds: dense(1, 2, 32), decoderInputsEmbeds: dense(1, 3, 32) };
    const refused: [object, ...string[]][] = [
      [{ inputsEmbeds: undefined }, 'inputsEmbeds', 'missing'],
      [{ inputsEmbeds: [[1]] }, 'inputsEmbeds', 'Float32Array'],
      [{ inputsEmbeds: dense(2, 32) }, 'inputsEmbeds', '(2, 32)', '3 axes'],
      [{ inputsEmbeds: dense(1, 0, 32) }, 'inputsEmbeds', '(1, 0, 32)'],
      [{ inputsEmbeds: dense(1, 2, 31) }, 'inputsEmbeds', '31', '32'],
      [{ inputsEmbeds: { ...dense(1, 2, 32), shape: [1, 3, 32] } }, 'inputsEmbeds', '64 values'],
      [{ inputsEmbeds: dense(2, 2, 32) }, 'inputsEmbeds has 2', 'decoderInputsEmbeds has 1'],
      [{ attentionMask: [[1]] }, 'attentionMask is 1 × 1', '1 × 2'],
      [{ inputIds: [[1]] }, '"inputIds"', 'inputsEmbeds'],
    ];
    for (const [inputs, ...parts] of refused) {
      const given = { ...good, ...inputs } as ModelInputs;
      await expectRejection(model.forward(given), 'INPUT_INVALID', ...parts);
    }
    await expectRejection(model.generate(good), 'MODEL_UNSUPPORTED', 'generate');
    await expectRejection(model.stream(good).next(), 'MODEL_UNSUPPORTED', 'generate');
    expect((await model.forward(good)).lastHiddenState!.shape).toEqual([1, 3, 32]);
  }));

test('pipelines and translation', () =>
  withGpu(usual, async (gpu) => {
    const source = fixtureSource('models/phrases');
    await expectRejection(
      pipeline('translations' as 'translation', source, { gpu }),
      'OPTION_INVALID',
      '"translations"',
      '"translation"',
    );
    await expectRejection(
      pipeline('translation', fixtureSource('marian'), { gpu }),
      'FILE_NOT_FOUND',
      'tokenizer.json',
    );
    expect(gpu.memory.buffers).toBe(0);
    using translate = await pipeline('translation', source, { gpu });
    const held = gpu.memory.buffers;
    const text = 'in 3 days';
    await expectRejection(translate(text), 'OPTION_INVALID', 'to is missing', 'de, en, es, fr');
    await expectRejection(translate(text, { to: 'frr' }), 'OPTION_INVALID', '"frr"', '"fr"');
    await expectRejection(
      translate(text, { To: 'fr' } as object),
      'OPTION_UNKNOWN',
      '"To"',
      '"to"',
    );
    await expectRejection(translate(text, { to: 'fr', numBeams: 0 }), 'OPTION_INVALID', 'numBeams');
    await expectRejection(
      translate(7 as unknown as string, { to: 'fr' }),
      'INPUT_INVALID',
      'number',
    );
    await expectRejection(
      translate([text, null] as unknown as string[], { to: 'fr' }),
      'INPUT_INVALID',
      'null',
    );
    await expectRejection(translate.stream(text).next(), 'OPTION_INVALID', 'to is missing');
    await expectRejection(
      translate('1 '.repeat(600), { to: 'fr' }),
      'INPUT_INVALID',
      '512 positions',
    );
    expect(gpu.memory.buffers).toBe(held);
    expect(await translate([], { to: 'fr' })).toEqual([]);
    const [answer] = await translate(text, { to: 'fr' });
    expect(answer!.translationText).toBe('dans 3 jours');
  }));
