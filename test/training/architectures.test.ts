// Every architecture that trains learns its case by heart; the others say that they do not train.
import { expect, test } from 'vitest';
import { loadModel, type ModelInputs } from 'webgpu-transformer';
import { adam, initialCheckpoint, Lora, scoreHeads, Trainer } from 'webgpu-transformer/training';
import { architectureNames } from '../../src/model/architectures.ts';
import { layOut, readParameters, writeSegments } from '../../src/model/weights/read-parameters.ts';
import { declarations, untrained, withoutLoss } from '../../src/training/declarations.ts';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { readFixture } from '../support/fixture.ts';
import { sharedGpu } from '../support/gpu.ts';
import { labelledCases } from '../support/labelled-cases.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import {
  fixtureFiles,
  fixtureSource,
  memorySource,
  readValues,
  withFields,
} from '../support/source.ts';
import { MemoryTarget } from '../support/training.ts';

const onGpu = sharedGpu();

/** The first losses on one batch, each after one more update. */
async function losses(name: string, inputs: ModelInputs, steps: number): Promise<number[]> {
  const found: number[] = [];
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource(name), { gpu, training: true });
    using trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3, dropout: false });
    for await (const { loss } of trainer.steps(() => inputs, { maxSteps: steps })) found.push(loss);
  });
  return found;
}

test.each([
  ['bart', 'labels'],
  ['bert_mlm', 'main'],
  ['bert_tokcls', 'main'],
  ['distilbert_seqcls', 'main'],
  ['gpt2_legacy_names', 'main'],
  ['roberta_seqcls', 'main'],
  ['variants/opt', 'main'],
  ['variants/blip', 'main'],
  ['variants/clip_pairs', 'main'],
  ['variants/distilbert_qa', 'main'],
  ['variants/electra_discriminator', 'main'],
  ['variants/electra_seqcls', 'main'],
  ['variants/m2m_100', 'labels'],
  ['variants/mbart', 'labels'],
  ['variants/siglip', 'masked'],
  ['variants/yolos_labels', 'main'],
  ['vit', 'main'],
  ['whisper', 'labels'],
])('%s learns', async (name, call) => {
  const expected = await readCase(name);
  const inputs = callInputs(expected, call);
  const found = await losses(name, inputs, 12);
  const wanted = expected.values.get(`${call}/loss`)!.data[0]!;
  expect(Math.abs(found[0]! - wanted)).toBeLessThan(2e-5 * wanted);
  expect(found.at(-1)!).toBeLessThan(0.7 * found[0]!);
});

test('pairs of texts and images train together, and not apart', async () => {
  const { inputIds, pixelValues } = callInputs(await readCase('variants/clip_pairs'), 'main');
  const wrong = losses('variants/clip_pairs', { inputIds: inputIds! }, 1);
  await expectRejection(wrong, 'INPUT_INVALID', 'pass inputIds and pixelValues');
  const unlike = { inputIds: (inputIds as number[][]).slice(1), pixelValues: pixelValues! };
  await expectRejection(losses('variants/clip_pairs', unlike, 1), 'INPUT_INVALID', 'pixelValues');
  await onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/clip_pairs'), { gpu });
    using lora = new Lora(model, { rank: 2, targets: ['*.q_proj', 'visual_projection'] });
    using trainer = new Trainer(model, { learningRate: 1e-2, adapter: lora });
    const batch = { inputIds: inputIds!, pixelValues: pixelValues! };
    const found: number[] = [];
    for await (const { loss } of trainer.steps(() => batch, { maxSteps: 8 })) found.push(loss);
    expect(found.at(-1)!).toBeLessThan(found[0]!);
    using other = await loadModel(fixtureSource('variants/clip_pairs'), { gpu, training: true });
    const scored = await scoreHeads(other, [batch]);
    expect(scored.filter(({ stack }) => stack === 'text')).toHaveLength(2 * 3);
    expect(scored.filter(({ stack }) => stack === 'vision')).toHaveLength(2 * 5);
  });
});

test('questions are trained on with places that count', async () => {
  const name = 'variants/distilbert_qa';
  const inputs = callInputs(await readCase(name), 'main');
  const learn = (other: ModelInputs): Promise<number[]> => losses(name, { ...inputs, ...other }, 1);
  const { startPositions: _, ...without } = inputs;
  await expectRejection(losses(name, without, 1), 'INPUT_INVALID', 'needs startPositions');
  for (const places of [[1], [1, 0.5]]) {
    await expectRejection(
      learn({ endPositions: places }),
      'INPUT_INVALID',
      'endPositions',
      '2 whole',
    );
  }
  await expectRejection(learn({ startPositions: [-100, 9] }), 'INPUT_INVALID', 'No label');
});

test.each(['variants/mbart', 'marian'])(
  'whole layers of %s are dropped at the rates of config.json',
  (name) =>
    onGpu(async (gpu) => {
      const inputs = callInputs(await readCase(name), 'labels');
      const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
      const lossWith = async (fields: object, dropout?: false): Promise<number> => {
        const config = withFields(files['config.json'], { ...fields });
        const source = memorySource({ ...files, 'config.json': config });
        using model = await loadModel(source, { gpu, training: true });
        using trainer = new Trainer(model, {
          learningRate: 1e-3,
          ...(dropout === false && { dropout }),
        });
        for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 1 })) return loss;
        return NaN;
      };
      const whole = await lossWith({});
      // All layers of the decoder, whatever is drawn: its embeddings alone are left.
      const without = await lossWith({ decoder_layerdrop: 1 - 2 ** -24 });
      expect(Math.abs(without - whole)).toBeGreaterThan(0.01);
      expect(await lossWith({ decoder_layerdrop: 1 - 2 ** -24 }, false)).toBe(whole);
      await expectRejection(
        lossWith({ encoder_layerdrop: 1 }),
        'CONFIG_INVALID',
        'encoder_layerdrop',
      );
    }),
);

test('whole images miss what sub-layers of DINOv2 add, at the rate of config.json', () =>
  onGpu(async (gpu) => {
    const name = 'variants/dinov2_imgcls';
    const inputs = { ...callInputs(await readCase(name), 'main') };
    const files = await fixtureFiles(name, ['config.json', 'model.safetensors']);
    const factors = /layer_scale\d\.lambda1$/;
    const lossWith = async (
      rate: number,
      changes: { dropout?: false; none?: true },
    ): Promise<number> => {
      const config = withFields(files['config.json'], { drop_path_rate: rate });
      const source = memorySource({ ...files, 'config.json': config });
      using model = await loadModel(source, { gpu, training: true });
      const { dropout, none } = changes;
      using trainer = new Trainer(model, {
        learningRate: 1,
        ...(dropout === false && { dropout }),
      });
      if (none) {
        const { parameters } = trainer.state;
        const scales = [...(await readParameters(gpu, parameters))].map(
          ([key, { data, shape }]) => {
            return [key, { shape, data: factors.test(key) ? data.map(() => 0) : data }] as const;
          },
        );
        writeSegments(gpu, parameters.segments, layOut(parameters, new Map(scales)));
      }
      for await (const { loss } of trainer.steps(() => inputs, { maxSteps: 1 })) return loss;
      return NaN;
    };
    const whole = await lossWith(0, {});
    const without = await lossWith(0, { none: true });
    expect(Math.abs(without - whole)).toBeGreaterThan(0.001);
    // All of them, whatever is drawn; and none where nothing is dropped.
    expect(await lossWith(1 - 2 ** -24, {})).toBeCloseTo(without, 5);
    expect(await lossWith(1 - 2 ** -24, { dropout: false })).toBe(whole);
    await expectRejection(lossWith(1, {}), 'CONFIG_INVALID', 'drop_path_rate');
  }));

test('a new encoder of images learns to tell them apart', () =>
  onGpu(async (gpu) => {
    const config = {
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      intermediate_size: 64,
      image_size: 8,
      patch_size: 4,
      num_channels: 1,
      num_labels: 2,
    };
    using model = await loadModel(initialCheckpoint(config), { gpu, training: true });
    // Stripes, down or across, of any phase.
    const random = new Random(7);
    const draw = (count: number): ModelInputs & { labels: number[] } => {
      const labels = Array.from({ length: count }, () => random.integer(0, 1));
      const data = Float32Array.from({ length: count * 64 }, (_, i) => {
        const [image, row, column] = [Math.floor(i / 64), Math.floor(i / 8) % 8, i % 8];
        return ((labels[image] === 1 ? row : column) + image) % 4 < 2 ? 1 : -1;
      });
      return { pixelValues: { data, shape: [count, 1, 8, 8] }, labels };
    };
    const trainer = new Trainer(model, { optimizer: adam(), learningRate: 3e-3 });
    for await (const _ of trainer.steps(() => draw(16), { maxSteps: 60 })) void _;
    trainer.dispose();
    const { labels, ...inputs } = draw(32);
    const { logits } = await model.forward(inputs);
    const right = labels.filter(
      (label, i) => Number(logits!.data[2 * i + 1]! > logits!.data[2 * i]!) === label,
    );
    expect(right).toHaveLength(32);
  }));

test.each(Object.entries(labelledCases))(
  'a %s trains, or says that it does not yet',
  async (family, [name, call]) => {
    const training = losses(name, callInputs(await readCase(name), call), 1);
    if (untrained.has(family)) await expectRejection(training, 'MODEL_UNSUPPORTED');
    else expect((await training)[0]).toBeGreaterThan(0);
  },
);

test('a decoder that trains without its encoder is saved with what it would attend to one by', () =>
  onGpu(async (gpu) => {
    const name = 'variants/trocr_alone';
    const inputs = callInputs(await readCase(name), 'main');
    const target = new MemoryTarget();
    using model = await loadModel(fixtureSource(name), { gpu, training: true });
    using trainer = new Trainer(model, { learningRate: 0.1 });
    for await (const _ of trainer.steps(() => inputs, { maxSteps: 1 })) void _;
    await trainer.saveModel(target);
    const saved = readValues(target.files['model.safetensors']!);
    const before = readValues(await readFixture(`${name}/model.safetensors`));
    expect([...saved.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    for (const [tensor, { shape, data }] of before) {
      const isKept = tensor.includes('encoder_attn');
      expect(saved.get(tensor)!.shape).toEqual(shape);
      if (isKept) expect(saved.get(tensor)!.data).toEqual(data);
    }
  }));

const lossless: Readonly<Record<string, string>> = {
  clip_text_model: 'variants/clip_text',
  clip_vision_model: 'variants/clip_vision_projection',
  siglip_text_model: 'variants/siglip_text',
  siglip_vision_model: 'variants/siglip_vision',
  'torch.nn.Transformer': 'torch_transformer_pre_relu',
};

test('what has no loss says so', () =>
  onGpu(async (gpu) => {
    expect(Object.keys(lossless).toSorted()).toEqual([...withoutLoss].toSorted());
    for (const name of Object.values(lossless)) {
      using model = await loadModel(fixtureSource(name), { gpu, training: true });
      const make = (): Trainer => new Trainer(model, { learningRate: 1 });
      await expectRejection(make, 'MODEL_UNSUPPORTED', 'no loss to train it on');
    }
  }));

test('what is not tried there has no labels, or is tried elsewhere', async () => {
  const others = (await architectureNames()).filter((name) => !(name in labelledCases));
  const elsewhere = ['camembert', 'dinov2', 'seq2seq training run', 'xlm-roberta'];
  const withoutLabels = [...untrained].filter((name) => !(name in labelledCases));
  expect(others.toSorted()).toEqual([...elsewhere, ...withoutLabels, ...withoutLoss].toSorted());
});

test('a new checkpoint can be made of every architecture', async () => {
  expect(Object.keys(declarations).toSorted()).toEqual((await architectureNames()).toSorted());
});
