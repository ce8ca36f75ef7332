// How a translator is trained: a model from scratch on phrases drawn from a seed. The same recipes run on the command
// line and in the page; courses.ts has those of the command line.

import type { JsonObject } from '../source/json.ts';
import type { ModelInputs } from '../model/model.ts';
import { Random } from '../model/random.ts';
import { sequenceBatch, type SequencePair } from '../training/batches.ts';
import { adam, type AdamSettings } from '../training/optimizers.ts';
import { linear } from '../training/schedules.ts';
import type { TrainerOptions } from '../training/trainer-options.ts';
import type { Field } from './fields.ts';
import { pairAt } from './phrases.ts';

export interface Recipe {
  /** Draws the weights, the phrases and their order. */
  readonly seed: number;
  readonly steps: number;
  /** Pairs of phrases a step. */
  readonly batchSize: number;
  /** The greatest learning rate, reached after the warm-up. */
  readonly learningRate: number;
  readonly warmupSteps: number;
}

/** Of the narrow field. Its model translates each of 2,016 unseen phrases as Intl does. */
export const defaultRecipe: Recipe = {
  seed: 1,
  steps: 5000,
  batchSize: 96,
  learningRate: 2e-3,
  warmupSteps: 300,
};

/** Batches whose pairs are sorted by length together, so that little is padding. */
const sortedTogether = 8;

/** config.json of the model, in the layout of Marian. */
export function phrasesConfig(vocabulary: number): JsonObject {
  return {
    architectures: ['MarianMTModel'],
    model_type: 'marian',
    vocab_size: vocabulary,
    decoder_vocab_size: vocabulary,
    d_model: 128,
    encoder_layers: 2,
    decoder_layers: 2,
    encoder_attention_heads: 4,
    decoder_attention_heads: 4,
    encoder_ffn_dim: 512,
    decoder_ffn_dim: 512,
    activation_function: 'relu',
    dropout: 0,
    attention_dropout: 0,
    activation_dropout: 0,
    init_std: 0.02,
    max_position_embeddings: 512,
    max_length: 96,
    num_beams: 1,
    scale_embedding: true,
    normalize_before: false,
    normalize_embedding: false,
    static_position_embeddings: true,
    share_encoder_decoder_embeddings: true,
    tie_word_embeddings: true,
    is_encoder_decoder: true,
    pad_token_id: 0,
    eos_token_id: 1,
    decoder_start_token_id: 0,
    use_cache: true,
  };
}

/** generation_config.json of the model. */
export const phrasesGeneration: JsonObject = {
  decoder_start_token_id: 0,
  eos_token_id: 1,
  max_length: 96,
  num_beams: 1,
  pad_token_id: 0,
};

/** What the recipe asks of a trainer. `state`: how Adam holds what it keeps. */
export function trainerOptions(
  { seed, steps, learningRate, warmupSteps }: Recipe,
  state: AdamSettings['state'] = 'f32',
): TrainerOptions {
  return {
    optimizer: adam({ beta1: 0.9, beta2: 0.98, eps: 1e-9, state }),
    learningRate: linear({ learningRate, warmupSteps, totalSteps: steps }),
    labelSmoothing: 0.1,
    maxGradNorm: 1,
    padToMultipleOf: 4,
    seed,
  };
}

/** Batches by number, the same ones for the same recipe, tokenizer and field. */
export function phraseBatches(
  recipe: Recipe,
  encode: (text: string) => number[],
  field?: Field,
): (index: number) => ModelInputs {
  return numberedBatches(recipe, (number) => {
    const { source, target } = pairAt(recipe.seed, number, field);
    return { source: encode(source), target: encode(target) };
  });
}

/** Batches by number of pairs by number, each pair once. */
export function numberedBatches(
  { seed, batchSize }: Pick<Recipe, 'seed' | 'batchSize'>,
  pairOf: (number: number) => SequencePair,
): (index: number) => ModelInputs {
  let drawn: { readonly group: number; readonly batches: readonly ModelInputs[] } | undefined;
  return (index) => {
    const group = Math.floor(index / sortedTogether);
    if (drawn?.group !== group) {
      const count = sortedTogether * batchSize;
      const pairs = Array.from({ length: count }, (_, i) => pairOf(group * count + i));
      drawn = { group, batches: sortedBatches(pairs, batchSize, new Random(seed + group)) };
    }
    const batch = drawn.batches[index % sortedTogether];
    if (batch === undefined) throw new RangeError(`there is no batch ${index}`);
    return batch;
  };
}

/** The batches of a group: its pairs sorted by length, cut, and shuffled. */
function sortedBatches(
  pairs: readonly SequencePair[],
  batchSize: number,
  random: Random,
): ModelInputs[] {
  const longest = ({ source, target }: SequencePair): number =>
    Math.max(source.length, target.length);
  const sorted = pairs.toSorted((a, b) => longest(a) - longest(b));
  const batches = Array.from({ length: sortedTogether }, (_, i) =>
    sequenceBatch(sorted.slice(i * batchSize, (i + 1) * batchSize), 0),
  );
  for (let i = batches.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    const [a, b] = [batches[i], batches[j]];
    if (a !== undefined && b !== undefined) [batches[i], batches[j]] = [b, a];
  }
  return batches;
}
