// Sizes of model to train: that of the recipe, and smaller ones for slower machines.

import type { JsonObject } from '../../src/source/json.ts';
import { defaultRecipe, type Recipe } from '../../src/phrases/recipe.ts';

export interface Preset {
  readonly label: string;
  readonly recipe: Recipe;
  /** Tokens of the vocabulary to learn. */
  readonly vocabulary: number;
  /** Training pairs that the vocabulary is learned from. */
  readonly vocabularyPairs: number;
  /** What differs from the recipe's config.json. */
  readonly config: JsonObject;
}

export type PresetName = 'tiny' | 'small' | 'full';

export const presets: Readonly<Record<PresetName, Preset>> = {
  tiny: {
    label: 'Tiny: 1 + 1 layers, width 32',
    recipe: { ...defaultRecipe, steps: 3000, batchSize: 16, learningRate: 5e-3, warmupSteps: 50 },
    vocabulary: 256,
    vocabularyPairs: 4000,
    config: sized(32, { encoder_layers: 1, decoder_layers: 1 }),
  },
  small: {
    label: 'Small: 2 + 2 layers, width 64',
    recipe: { ...defaultRecipe, steps: 4000, batchSize: 32, learningRate: 3e-3, warmupSteps: 150 },
    vocabulary: 384,
    vocabularyPairs: 8000,
    config: sized(64, {}),
  },
  full: {
    label: 'Full: 2 + 2 layers, width 128',
    recipe: defaultRecipe,
    vocabulary: 512,
    vocabularyPairs: 20_000,
    config: {},
  },
};

/** A width with the feed-forward layers that go with it: four times as wide. */
function sized(width: number, rest: JsonObject): JsonObject {
  return { d_model: width, encoder_ffn_dim: 4 * width, decoder_ffn_dim: 4 * width, ...rest };
}
