// The settings and the buttons: what can be pressed in which state.

import { byId, create } from '../elements.ts';
import { type PresetName, presets } from './presets.ts';
import type { Settings } from './protocol.ts';

export type State = 'idle' | 'opening' | 'running' | 'pausing' | 'paused' | 'finished' | 'stopping';

export interface Orders {
  start(settings: Settings): void;
  pause(): void;
  resume(): void;
  stop(): void;
  save(): void;
}

const preset = byId('preset', HTMLSelectElement);
const learningRate = byId('learning-rate', HTMLInputElement);
const seed = byId('seed', HTMLInputElement);
const lookEvery = byId('look-every', HTMLInputElement);
const settings = byId('settings', HTMLFieldSetElement);
const start = byId('start', HTMLButtonElement);
const pause = byId('pause', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const save = byId('save', HTMLButtonElement);

/** Fills in the settings and passes orders on. */
export function listen(orders: Orders): void {
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
  byId('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    orders.start({
      preset: chosenPreset(),
      learningRate: learningRate.valueAsNumber,
      seed: seed.valueAsNumber,
      lookEvery: lookEvery.valueAsNumber,
    });
  });
  pause.addEventListener('click', () => {
    if (pause.textContent === 'Pause') orders.pause();
    else orders.resume();
  });
  stop.addEventListener('click', () => orders.stop());
  save.addEventListener('click', () => orders.save());
}

/** Offers what can be done in a state. A button that is switched off hands its focus on. */
export function offer(state: State): void {
  const focused = document.activeElement;
  const isPaused = state === 'paused';
  settings.disabled = state !== 'idle';
  start.disabled = state !== 'idle';
  pause.textContent = isPaused ? 'Resume' : 'Pause';
  pause.disabled = state !== 'running' && !isPaused;
  stop.disabled = state === 'idle' || state === 'stopping';
  save.disabled = state !== 'running' && !isPaused && state !== 'finished';
  if (focused === start || focused === pause || focused === stop || settings.contains(focused)) {
    const wasLost = focused instanceof HTMLButtonElement ? focused.disabled : settings.disabled;
    if (wasLost) [start, pause, stop].find(({ disabled }) => !disabled)?.focus();
  }
}

function chosenPreset(): PresetName {
  const { value } = preset;
  return value in presets ? (value as PresetName) : 'small';
}
