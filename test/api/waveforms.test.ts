// Models that hear samples: formats of weights, lengths, what is refused.
import { expect, test } from 'vitest';
import { type DenseTensor, loadModel } from 'webgpu-transformer';
import { callInputs } from '../support/checkpoint.ts';
import { expectClose, readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const onGpu = sharedGpu();

const samples = (...shape: number[]): DenseTensor => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
  shape,
});

test.each([
  ['f16', 3e-3],
  ['int8', 0.05],
] as const)('weights in %s, tried as they are loaded', (dtype, bound) =>
  onGpu(async (gpu) => {
    const expected = await readCase('variants/wav2vec2_ctc');
    using model = await loadModel(fixtureSource('variants/wav2vec2_ctc'), {
      gpu,
      dtype,
      check: true,
    });
    expect(model.warnings).toEqual([]);
    const { logits } = await model.forward(callInputs(expected, 'main'));
    expectClose(logits, expected.values.get('main/logits')!, 'logits', undefined, bound);
  }),
);

test('sounds of many lengths, down to one vector', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/wav2vec2_stable'), { gpu });
    const states: (Float32Array | undefined)[] = [];
    for (const [count, vectors] of [
      [101, 8],
      [20, 1],
      [400, 32],
      [101, 8],
    ] as const) {
      const { lastHiddenState } = await model.forward({ inputValues: samples(2, count) });
      expect(lastHiddenState?.shape).toEqual([2, vectors, 18]);
      states.push(lastHiddenState?.data);
    }
    expect(states[3]).toEqual(states[0]);
  }));

test('what is no sound of the model is refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/wav2vec2_ctc'), { gpu });
    const refused = (inputs: object, ...parts: string[]): Promise<void> =>
      expectRejection(model.forward(inputs), 'INPUT_INVALID', ...parts);
    const inputValues = samples(2, 60);
    await refused({}, 'inputValues is missing');
    await refused({ inputIds: [[1]] }, 'takes no input "inputIds"', 'inputValues');
    await refused({ inputValues: samples(60) }, '2 axes');
    await refused({ inputValues: samples(1, 16) }, 'Sound 0 is too short', '17 samples');
    const mask = (...lengths: number[]): number[][] =>
      lengths.map((length) => Array.from({ length: 60 }, (_, i) => Number(i < length)));
    await refused({ inputValues, attentionMask: mask(60, 7) }, 'Sound 1 is too short');
    await refused({ inputValues, attentionMask: mask(60) }, '1 × 60', '2 × 60');
    const holed = {
      data: Float32Array.from({ length: 60 }, (_, i) => i / (i - 7)),
      shape: [1, 60],
    };
    await refused({ inputValues: holed }, 'inputValues[7]', 'no finite number');
    await refused({ inputValues, labels: [[11], [1]] }, 'labels', '0 to 10');
    await refused({ inputValues, labels: [[1]] }, 'labels', '2 arrays');
    await expectRejection(model.generate({ inputValues }), 'MODEL_UNSUPPORTED', 'not generate');
  }));

test('Moonshine: sounds that go together, or are none', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/moonshine_model'), { gpu, check: true });
    const calls = [samples(1, 1300), samples(2, 2000), samples(1, 2000)].map((inputValues) => ({
      inputs: { inputValues },
      options: { maxNewTokens: 5 },
    }));
    const ones = Array<number>(2000).fill(1);
    const masked = {
      ...calls[1]!.inputs,
      attentionMask: [ones.map((_, i) => Number(i < 500)), ones.with(3, 0)],
    };
    calls.push({ ...calls[0]!, inputs: masked });
    const together = await model.generateTogether(calls);
    for (const [i, { inputs, options }] of calls.entries()) {
      expect(together[i]?.sequences).toEqual((await model.generate(inputs, options)).sequences);
    }
    const refused = (inputs: object, ...parts: string[]): Promise<void> =>
      expectRejection(model.generate(inputs), 'INPUT_INVALID', ...parts);
    await refused({ inputValues: samples(1, 894) }, 'Sound 0 is too short', '895 samples');
    const inputValues = samples(2, 2000);
    const attentionMask = [ones, ones.map(() => 0)];
    await refused({ inputValues, attentionMask }, 'Sound 1 is nothing but padding');
    await refused({ inputValues, attentionMask: [ones] }, '1 × 2000', '2 × 2000');
    await refused({ inputFeatures: samples(1, 1, 9) }, 'takes no input "inputFeatures"');
  }));

test('settings that are not known here are refused by name', () =>
  onGpu(async (gpu) => {
    const refused = async (
      name: string,
      fields: Record<string, unknown>,
      code: 'CONFIG_INVALID' | 'MODEL_UNSUPPORTED',
    ): Promise<void> => {
      const files = await fixtureFiles(`variants/${name}`, ['config.json', 'model.safetensors']);
      files['config.json'] = withFields(files['config.json'], fields);
      const [field = ''] = Object.keys(fields);
      await expectRejection(loadModel(memorySource(files), { gpu }), code, `"${field}"`);
    };
    await refused('wav2vec2_ctc', { add_adapter: true }, 'MODEL_UNSUPPORTED');
    await refused('wav2vec2_ctc', { adapter_attn_dim: 4 }, 'MODEL_UNSUPPORTED');
    await refused('wav2vec2_ctc', { feat_extract_norm: 'batch' }, 'MODEL_UNSUPPORTED');
    await refused('wav2vec2_ctc', { ctc_loss_reduction: 'none' }, 'MODEL_UNSUPPORTED');
    await refused('wav2vec2_ctc', { architectures: ['Wav2Vec2ForXVector'] }, 'MODEL_UNSUPPORTED');
    await refused('hubert_ctc', { conv_pos_batch_norm: true }, 'MODEL_UNSUPPORTED');
    await refused('moonshine', { encoder_num_key_value_heads: 1 }, 'MODEL_UNSUPPORTED');
    await refused('moonshine', { head_dim: 0 }, 'CONFIG_INVALID');
    await refused('moonshine', { pad_head_dim_to_multiple_of: 0 }, 'CONFIG_INVALID');
    await refused('wav2vec2_ctc', { conv_kernel: [5, 3] }, 'CONFIG_INVALID');
    await refused('wav2vec2_ctc', { conv_stride: [1, 0.5, 2] }, 'CONFIG_INVALID');
    await refused('wav2vec2_ctc', { num_conv_pos_embedding_groups: 3 }, 'CONFIG_INVALID');
  }));
