// The buttons of a run: what can be pressed in which state.

import { byId } from '../elements.ts';

export type State = 'idle' | 'opening' | 'running' | 'pausing' | 'paused' | 'finished' | 'stopping';

/** What the buttons ask for; the form with the settings starts a run. */
export interface Orders {
  start(): void;
  pause(): void;
  resume(): void;
  stop(): void;
  save(): void;
}

const settings = byId('settings', HTMLFieldSetElement);
const start = byId('start', HTMLButtonElement);
const pause = byId('pause', HTMLButtonElement);
const stop = byId('stop', HTMLButtonElement);
const save = byId('save', HTMLButtonElement);

/** Passes orders on. */
export function listen(orders: Orders): void {
  byId('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    orders.start();
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
