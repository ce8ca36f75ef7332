// Where a visitor's own model comes from: a folder that is chosen, or an address.

import type { ModelSource } from 'webgpu-transformer';
import { whenChosen } from './chosen-files.ts';
import { byId } from './elements.ts';

/** `onModel` gets the source that was asked for. */
export function offerModels(onModel: (source: ModelSource) => void): void {
  const folder = byId('folder', HTMLInputElement);
  whenChosen(byId('choose-folder', HTMLButtonElement), folder, onModel);
  byId('model-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    onModel(byId('address', HTMLInputElement).value.trim());
  });
}
