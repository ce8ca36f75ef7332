// The settings of a run: a preset, and what a visitor makes of it.

import { byId, create } from '../elements.ts';
import { type PresetName, presets } from './presets.ts';
import type { Settings } from './protocol.ts';

const preset = byId('preset', HTMLSelectElement);
const learningRate = byId('learning-rate', HTMLInputElement);
const seed = byId('seed', HTMLInputElement);
const lookEvery = byId('look-every', HTMLInputElement);

/** Fills in the settings; another preset brings another learning rate. */
export function offerPresets(): void {
  const options = Object.entries(presets).map(([value, { label }]) =>
    create('option', { value }, label),
  );
  preset.replaceChildren(...options);
  preset.value = 'small' satisfies PresetName;
  const usePreset = (): void => {
    learningRate.value = String(presets[chosenPreset()].recipe.learningRate);
  };
  usePreset();
  preset.addEventListener('change', usePreset);
}

/** The settings as they stand. */
export function chosenSettings(): Settings {
  return {
    preset: chosenPreset(),
    learningRate: learningRate.valueAsNumber,
    seed: seed.valueAsNumber,
    lookEvery: lookEvery.valueAsNumber,
  };
}

function chosenPreset(): PresetName {
  const { value } = preset;
  return value in presets ? (value as PresetName) : 'small';
}
