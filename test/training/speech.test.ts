// Encoders of the samples of sound train: frozen where that is asked for, with what Python drops, by adapters, anew.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import {
  adam,
  distillation,
  initialCheckpoint,
  Lora,
  Trainer,
  type TrainerOptions,
} from 'webgpu-transformer/training';
import { readParameters } from '../../src/model/weights/read-parameters.ts';
import type { JsonObject } from '../../src/source/json.ts';
import type { StoredValues } from '../../src/source/safetensors-writer.ts';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { readFixtureJson } from '../support/fixture.ts';
import { sharedGpu } from '../support/gpu.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureFiles, fixtureSource, memorySource, withFields } from '../support/source.ts';

const onGpu = sharedGpu();

interface Run {
  readonly losses: readonly number[];
  readonly before: ReadonlyMap<string, StoredValues>;
  readonly after: ReadonlyMap<string, StoredValues>;
}

interface TrainSettings extends Partial<TrainerOptions> {
  /** In place of those of config.json. */
  readonly fields?: JsonObject;
}

/** Steps on the case of a fixture. */
async function train(
  name: string,
  maxSteps: number,
  { fields = {}, ...options }: TrainSettings = {},
): Promise<Run> {
  const inputs = callInputs(await readCase(name), 'main');
  const losses: number[] = [];
  let [before, after] = [new Map<string, StoredValues>(), new Map<string, StoredValues>()];
  await onGpu(async (gpu) => {
    const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
    const config = withFields(files['config.json'], fields);
    const source = memorySource({ ...files, 'config.json': config });
    using model = await loadModel(source, { gpu, training: true });
    using trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3, ...options });
    before = await readParameters(gpu, trainer.state.parameters);
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps })) losses.push(loss);
    after = await readParameters(gpu, trainer.state.parameters);
  });
  return { losses, before, after };
}

test('the convolutions of a classifier stay as they are where they are frozen', async () => {
  const freeze = ['wav2vec2.feature_extractor.*'];
  const { losses, before, after } = await train('variants/wav2vec2_seqcls', 12, {
    dropout: false,
    freeze,
  });
  expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  const same = [...before].filter(([key, { data }]) =>
    after.get(key)!.data.every((v, i) => v === data[i]),
  );
  const convolutions = [...before.keys()].filter((key) => key.includes('feature_extractor'));
  expect(same.map(([key]) => key).toSorted()).toEqual(convolutions.toSorted());
});

// PyTorch 2.13 and transformers 5.24 in float64, after `freeze_feature_encoder()`, by Adam at 3e-3.
test.each([
  ['wav2vec2_ctc', [62.0467133, 53.7247887, 47.691027, 42.3900996, 37.9825537]],
  ['hubert_ctc', [1.7357206, 1.3652427, 1.1017053, 0.9878527, 0.9895359]],
])('%s: labels in their order', async (name, wanted) => {
  const freeze = ['*.feature_extractor.*'];
  const { losses } = await train(`variants/${name}`, 5, { dropout: false, freeze });
  const most = Math.max(...losses.map((loss, i) => Math.abs(loss - wanted[i]!) / wanted[i]!));
  expect(most).toBeLessThan(2e-5);
});

test('labels that no path leads through, and objectives of classes, are refused', async () => {
  const { inputValues } = callInputs(await readCase('variants/wav2vec2_ctc'), 'main');
  const labels = [[3], [1, 1, 1, 1, 1, 1, 1], [2]];
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/wav2vec2_ctc'), { gpu, training: true });
    const { loss } = await model.forward({ inputValues: inputValues!, labels });
    expect(loss!.data[0]).toBe(Infinity);
    const step = async (options: Partial<TrainerOptions>, given: number[][]): Promise<void> => {
      using trainer = new Trainer(model, { learningRate: 1e-3, dropout: false, ...options });
      const batches = [{ inputValues: inputValues!, labels: given }];
      for await (const _ of trainer.steps(batches)) void _;
    };
    await expectRejection(step({}, labels), 'INPUT_INVALID', 'Sequence 1', 'ctc_zero_infinity');
    const objective = distillation(model);
    await expectRejection(
      step({ objective }, [[3], [1], [2]]),
      'MODEL_UNSUPPORTED',
      'Distillation',
    );
    const smoothed = step({ labelSmoothing: 0.1 }, [[3], [1], [2]]);
    await expectRejection(smoothed, 'MODEL_UNSUPPORTED', 'labelSmoothing');
  });
});

test('what Python drops is dropped', async () => {
  const name = 'variants/wav2vec2_seqcls';
  const [plain, first, again, other] = [
    await train(name, 3, { dropout: false }),
    await train(name, 3),
    await train(name, 3),
    await train(name, 3, { seed: 1 }),
  ];
  expect(again.losses).toEqual(first.losses);
  expect(first.losses[0]).not.toBe(plain.losses[0]);
  expect(other.losses[0]).not.toBe(first.losses[0]);
  const fields = { mask_time_prob: 0.5, mask_time_length: 2, mask_feature_prob: 0.3 };
  const masked = await train(name, 3, { fields: { ...fields, mask_feature_length: 3 } });
  expect(masked.losses[0]).not.toBe(first.losses[0]);
  const given = { ...fields, apply_spec_augment: false };
  expect((await train(name, 3, { fields: given })).losses).toEqual(first.losses);
  const blank = train('variants/wav2vec2_ctc', 1, { fields: { pad_token_id: 11 } });
  await expectRejection(blank, 'INPUT_INVALID', 'pad_token_id');
  // mask_time_prob is 0 above; spans of it are longer than the sounds here.
  await expectRejection(train('variants/hubert_seqcls', 1), 'INPUT_INVALID', 'mask_time_length');
});

test('adapters train beside a frozen model', async () => {
  const inputs = callInputs(await readCase('variants/hubert_seqcls'), 'main');
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/hubert_seqcls'), { gpu });
    expect(() => new Lora(model, { targets: '*.conv' })).toThrow('which is a convolution');
    const targets = ['*.q_proj', '*.v_proj', 'classifier'];
    using lora = new Lora(model, { rank: 4, alpha: 8, targets });
    const options = { optimizer: adam(), learningRate: 3e-2, adapter: lora, dropout: false };
    using trainer = new Trainer(model, options);
    const losses: number[] = [];
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 12 })) losses.push(loss);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    await lora.merge();
    const { loss } = await model.forward(inputs);
    expect(loss!.data[0]!).toBeLessThan(losses.at(-1)!);
  });
});

test('a new encoder tells tones apart that it was not trained on', async () => {
  const config = (await readFixtureJson('variants/wav2vec2_seqcls/config.json')) as object;
  const length = 120;
  const draw = (count: number, from: number): ModelInputs & { labels: number[] } => {
    const labels = Array.from({ length: count }, (_, i) => i % 3);
    const data = Float32Array.from({ length: count * length }, (_, i) => {
      const [sound, time] = [Math.floor(i / length), i % length];
      return Math.sin(0.15 * (1 + labels[sound]!) * time + from + sound);
    });
    return { inputValues: { data, shape: [count, length] }, labels };
  };
  await onGpu(async (gpu) => {
    const source = initialCheckpoint({ ...config });
    using model = await loadModel(source, { gpu, training: true });
    using trainer = new Trainer(model, { optimizer: adam(), learningRate: 1e-2, dropout: false });
    for await (const _ of trainer.steps((index) => draw(9, index), { maxSteps: 40 })) void _;
    const { labels, ...inputs } = draw(9, 0.5);
    const { logits } = await model.forward(inputs);
    const found = labels.map((_, i) => {
      const own = [...logits!.data.subarray(3 * i, 3 * i + 3)];
      return own.indexOf(Math.max(...own));
    });
    expect(found).toEqual(labels);
  });
});
