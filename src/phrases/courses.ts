// What `train` can make of nothing: translators of three fields, each with its recipe and its size.

import type { JsonObject } from '../source/json.ts';
import { type Field, narrowField, quickField } from './fields.ts';
import { defaultRecipe, type Recipe } from './recipe.ts';
import { wideField } from './wide-field.ts';

export interface Course {
  readonly field: Field;
  readonly recipe: Recipe;
  /** Tokens of the vocabulary to learn. */
  readonly vocabulary: number;
  /** Training pairs that it is learned from. */
  readonly vocabularyPairs: number;
  /** What differs from the config.json of `phrasesConfig`. */
  readonly config: JsonObject;
  /** 0 where the model's probabilities are to be those of its answers. */
  readonly labelSmoothing: number;
}

export type CourseName = 'quick' | 'narrow' | 'wide';

export const courses: Readonly<Record<CourseName, Course>> = {
  quick: {
    field: quickField,
    recipe: { seed: 1, steps: 1500, batchSize: 48, learningRate: 3e-3, warmupSteps: 90 },
    vocabulary: 320,
    vocabularyPairs: 4000,
    config: { d_model: 64, encoder_ffn_dim: 256, decoder_ffn_dim: 256 },
    labelSmoothing: 0.1,
  },
  narrow: {
    field: narrowField,
    recipe: defaultRecipe,
    vocabulary: 512,
    vocabularyPairs: 20_000,
    config: {},
    labelSmoothing: 0.1,
  },
  wide: {
    field: wideField,
    recipe: { seed: 1, steps: 20_000, batchSize: 96, learningRate: 1.5e-3, warmupSteps: 1000 },
    vocabulary: 1600,
    vocabularyPairs: 60_000,
    config: {
      d_model: 192,
      encoder_layers: 3,
      encoder_attention_heads: 6,
      decoder_attention_heads: 6,
      encoder_ffn_dim: 768,
      decoder_ffn_dim: 768,
    },
    labelSmoothing: 0,
  },
};

export const courseNames = Object.keys(courses) as readonly CourseName[];
