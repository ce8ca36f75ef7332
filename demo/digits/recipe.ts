// How a small Vision Transformer learns to read digits: the same recipe on the command line and in the page.

import { Random } from '../../src/model/random.ts';
import { hash } from '../../src/phrases/hash.ts';
import type { ModelInputs } from 'webgpu-transformer';
import type { JsonObject } from '../../src/source/json.ts';
import { adamW, cosine, type TrainerOptions } from 'webgpu-transformer/training';
import { type Digits, pictureOf, side } from './digits.ts';
import { distort } from './distort.ts';
import { pixelValues } from './pixel-values.ts';

export interface Recipe {
  /** Draws the weights, the order of the digits, and their distortions. */
  readonly seed: number;
  readonly steps: number;
  /** Digits a step. */
  readonly batchSize: number;
  /** The greatest learning rate, reached after the warm-up. */
  readonly learningRate: number;
  readonly warmupSteps: number;
}

/** What `npm run train:digits` does. */
export const defaultRecipe: Recipe = {
  seed: 1,
  steps: 6400,
  batchSize: 32,
  learningRate: 1.5e-3,
  warmupSteps: 300,
};

const labels = Array.from({ length: 10 }, (_, digit) => String(digit));

/** config.json of the model. */
export const digitsConfig: JsonObject = {
  architectures: ['ViTForImageClassification'],
  model_type: 'vit',
  image_size: side,
  patch_size: 4,
  num_channels: 1,
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 256,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-6,
  qkv_bias: true,
  id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
  label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
};

/** What the recipe asks of a trainer. */
export function trainerOptions({ seed, steps, learningRate, warmupSteps }: Recipe): TrainerOptions {
  return {
    optimizer: adamW({ weightDecay: 0.05 }),
    learningRate: cosine({ learningRate, warmupSteps, totalSteps: steps }),
    maxGradNorm: 1,
    seed,
  };
}

/** Batches by number, the same ones for the same recipe: all digits in a new order, then in another, each distorted. */
export function digitBatches(
  { seed, batchSize }: Pick<Recipe, 'seed' | 'batchSize'>,
  digits: Digits,
): (index: number) => ModelInputs {
  let order: { readonly epoch: number; readonly digits: readonly number[] } | undefined;
  const digitAt = (number: number): number => {
    const epoch = Math.floor(number / digits.count);
    if (order?.epoch !== epoch) order = { epoch, digits: shuffled(digits.count, seed, epoch) };
    return order.digits[number % digits.count] ?? 0;
  };
  return (index) => {
    const numbers = Array.from({ length: batchSize }, (_, i) => index * batchSize + i);
    const chosen = numbers.map(digitAt);
    return {
      pixelValues: pixelValues(
        chosen.map((digit, i) =>
          distort(pictureOf(digits, digit), new Random(hash([seed, numbers[i] ?? 0]))),
        ),
      ),
      labels: chosen.map((digit) => digits.labels[digit] ?? 0),
    };
  };
}

function shuffled(count: number, seed: number, epoch: number): number[] {
  const random = new Random(hash([seed, epoch, count]));
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i);
    const [a = 0, b = 0] = [order[i], order[j]];
    [order[i], order[j]] = [b, a];
  }
  return order;
}
