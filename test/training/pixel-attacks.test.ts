// Images whose pixels are made harder on purpose. The losses under attack are those of PyTorch 2.13 and transformers 5.24
// in float64: autograd's gradients, steps and bounds written out there.
import { expect, test } from 'vitest';
import {
  type Gpu,
  ImageProcessor,
  loadModel,
  type Model,
  type ModelInputs,
} from 'webgpu-transformer';
import {
  type AttackOptions,
  initialCheckpoint,
  robustness,
  sgd,
  Trainer,
} from 'webgpu-transformer/training';
import { callInputs } from '../support/checkpoint.ts';
import { readCase } from '../support/expected.ts';
import { sharedGpu } from '../support/gpu.ts';
import { Random } from '../support/random.ts';
import { expectRejection } from '../support/rejection.ts';
import { fixtureSource, jsonFiles, memorySource } from '../support/source.ts';

const onGpu = sharedGpu();

const shape = [3, 3, 24, 24];
const pixels = Float32Array.from(
  { length: 3 * 3 * 24 * 24 },
  (_, i) => Math.sin(0.37 * i) * Math.cos(0.011 * i),
);
const inputs: ModelInputs = { pixelValues: { data: pixels, shape }, labels: [1, 4, 6] };

/** What made pixel values of which black and white are these, channel by channel. */
function processorOf(black: readonly number[], white: readonly number[]): Promise<ImageProcessor> {
  const deviations = white.map((own, i) => 1 / (own - black[i]!));
  const config = {
    image_processor_type: 'ViTImageProcessor',
    image_mean: deviations.map((deviation, i) => -black[i]! * deviation),
    image_std: deviations,
    size: { height: 24, width: 24 },
  };
  return ImageProcessor.load(memorySource(jsonFiles({ 'preprocessor_config.json': config })));
}

/** The loss of one step that moves nothing. */
async function lossOf(
  model: Model,
  adversarial?: AttackOptions,
  batch: ModelInputs = inputs,
): Promise<number> {
  const attack = adversarial && { adversarial };
  using trainer = new Trainer(model, { learningRate: 1e-30, optimizer: sgd(), ...attack });
  for await (const { loss } of trainer.steps([batch])) return loss;
  return NaN;
}

test('losses under attack are those of PyTorch', () =>
  onGpu(async (gpu) => {
    const processor = await processorOf([-1, -1.2, -0.9], [1, 1.1, 1.3]);
    const { black, white } = processor.range;
    expect(black.map((own) => own.toFixed(5))).toEqual(['-1.00000', '-1.20000', '-0.90000']);
    expect(white.map((own) => own.toFixed(5))).toEqual(['1.00000', '1.10000', '1.30000']);
    using model = await loadModel(fixtureSource('vit'), { gpu, training: true });
    const plain = 2.3668491992;
    for (const [wanted, attack] of [
      [plain, undefined],
      [plain + 3.8415310458, { method: 'fgm', epsilon: 1.5 }],
      [plain + 3.7779451619, { method: 'fgm', norm: 'linf', epsilon: 0.05 }],
      [4.3017487151, { method: 'pgd', epsilon: 1.5, stepSize: 0.6 }],
      [4.2860543088, { method: 'pgd', norm: 'linf', epsilon: 0.05, stepSize: 0.03 }],
      [3.9946495269, { method: 'pgd', norm: 'linf', epsilon: 0.02, stepSize: 0.0125, processor }],
      [4.6233522412, { method: 'pgd', epsilon: 0.8, stepSize: 0.5, processor }],
    ] as const) {
      // Signs of gradients near 0 are a matter of rounding.
      expect(Math.abs((await lossOf(model, attack)) - wanted)).toBeLessThan(1e-4 * wanted);
    }
    // One step that would lead farther is brought back.
    const short = await lossOf(model, { method: 'pgd', epsilon: 1.5, steps: 1 });
    expect(Math.abs(short - 3.8415310458)).toBeLessThan(4e-4);
  }));

/**
 * Two kinds of images: one channel is a little lighter in the one than in the other, everywhere; in another channel the
 * first patch differs much, but for one image in eight, where it says the opposite.
 */
function task(seed: number): ModelInputs {
  const random = new Random(seed);
  const labels = Array.from({ length: 32 }, (_, i) => i % 2);
  const data = labels.flatMap((label, image) => {
    const sign = 2 * label - 1;
    const told = image % 16 < 2 ? -sign : sign;
    const noise = random.values(2 * 64);
    return Array.from(noise, (value, i) => {
      const isPatch = i >= 64 && (i - 64) % 8 < 4 && i - 64 < 32;
      return 0.05 * value + (i < 64 ? 0.1 * sign : isPatch ? told : 0);
    });
  });
  return { pixelValues: { data: Float32Array.from(data), shape: [32, 2, 8, 8] }, labels };
}

async function trained(gpu: Gpu, adversarial?: AttackOptions): Promise<Model> {
  const config = {
    model_type: 'vit',
    architectures: ['ViTForImageClassification'],
    image_size: 8,
    patch_size: 4,
    num_channels: 2,
    hidden_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 32,
    num_labels: 2,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  };
  const model = await loadModel(initialCheckpoint(config, { seed: 3 }), { gpu, training: true });
  const attack = adversarial && { adversarial };
  using trainer = new Trainer(model, { learningRate: 1e-2, ...attack });
  for await (const { skipped } of trainer.steps((index) => task(index), { maxSteps: 60 })) {
    expect(skipped).toBe(false);
  }
  return model;
}

test('training on harder pixels raises the accuracy under attack', () =>
  onGpu(async (gpu) => {
    const attack = { method: 'pgd', norm: 'linf', epsilon: 0.12, steps: 3 } as const;
    using plain = await trained(gpu);
    using hardened = await trained(gpu, attack);
    const data = [task(1001), task(1002)];
    const before = await robustness(plain, data, attack);
    const after = await robustness(hardened, data, attack);
    expect(before.labels).toBe(64);
    expect(before.accuracy).toBeGreaterThan(0.95);
    // What is told right by the patch alone.
    expect(after.accuracy).toBeGreaterThan(0.85);
    expect(before.attacked).toBeLessThan(0.5);
    expect(after.attacked).toBeGreaterThan(0.8);
  }));

test('of texts and images the pixels are attacked, and images told apart by their texts', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('variants/clip_pairs'), { gpu, training: true });
    const { inputIds, attentionMask, pixelValues } = callInputs(
      await readCase('variants/clip_pairs'),
      'main',
    );
    // Each image beside the text that it is most like.
    const ordered = <Row>(rows: readonly Row[] = []): Row[] => [1, 2, 0].map((row) => rows[row]!);
    const batch = {
      inputIds: ordered(inputIds),
      attentionMask: ordered(attentionMask),
      pixelValues: pixelValues!,
    };
    const attack = { method: 'fgm', epsilon: 0.5 } as const;
    // The loss as it is, and that of the pixels moved by 0.5 for each image.
    const wanted = 0.7613765217008894 + 1.0118530030712887;
    expect(Math.abs((await lossOf(model, attack, batch)) - wanted)).toBeLessThan(2e-5);
    expect(await robustness(model, [batch], attack)).toEqual({
      accuracy: 1,
      attacked: 1,
      labels: 3,
    });
    const harder = await robustness(model, [batch], { ...attack, epsilon: 1 });
    expect(harder).toEqual({ accuracy: 1, attacked: 0, labels: 3 });
  }));

test('attacks that make no sense are refused', () =>
  onGpu(async (gpu) => {
    using model = await loadModel(fixtureSource('vit'), { gpu, training: true });
    const refused = (attack: object, ...parts: string[]): Promise<void> =>
      expectRejection(
        robustness(model, [inputs], { method: 'fgm', epsilon: 1, ...attack }),
        'OPTION_INVALID',
        ...parts,
      );
    await refused({ norm: 'l1' }, 'norm is "l1"', "'l2' or 'linf'");
    await refused({ processor: {} }, 'processor', 'ImageProcessor.load');
    const grey = await processorOf([-1], [1]);
    await refused({ processor: grey }, 'images of 1 channels', 'its checkpoint');
    using texts = await loadModel(fixtureSource('bert_seqcls'), { gpu });
    const processor = await processorOf([-1, -1, -1], [1, 1, 1]);
    const batch = { inputIds: [[1, 2, 3]], labels: [0] };
    const attack = { method: 'fgm', epsilon: 1, processor } as const;
    await expectRejection(robustness(texts, [batch], attack), 'OPTION_INVALID', 'images of 3');
  }));
