// Sizes of model to train: that of the model that comes with the page, and a smaller one for slower machines.

import type { JsonObject } from '../../src/source/json.ts';
import { defaultRecipe, type Recipe } from '../digits/recipe.ts';

export interface Preset {
  readonly label: string;
  readonly recipe: Recipe;
  /** Steps from one look at the model to the next. */
  readonly lookEvery: number;
  /** What differs from the recipe's config.json. */
  readonly config: JsonObject;
}

export type PresetName = 'tiny' | 'full';

export const presets: Readonly<Record<PresetName, Preset>> = {
  full: {
    label: 'Full: 4 layers, width 64',
    recipe: { ...defaultRecipe, steps: 4000 },
    lookEvery: 100,
    config: {},
  },
  tiny: {
    label: 'Tiny: 2 layers, width 32',
    recipe: { ...defaultRecipe, steps: 3000, learningRate: 3e-3, warmupSteps: 100 },
    lookEvery: 50,
    config: { num_hidden_layers: 2, hidden_size: 32, intermediate_size: 128 },
  },
};
