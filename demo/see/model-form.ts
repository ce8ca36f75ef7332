// Where a visitor's own model comes from: a folder that is chosen or dropped, or an address.

import type { ModelSource } from 'webgpu-transformer';
import { byId } from '../elements.ts';

/** `onModel` gets the source that was asked for. */
export function offerModels(onModel: (source: ModelSource) => void): void {
  const folder = byId('folder', HTMLInputElement);
  byId('choose-folder', HTMLButtonElement).addEventListener('click', () => folder.click());
  folder.addEventListener('change', () => {
    const files = [...(folder.files ?? [])];
    // The same folder may be chosen again.
    folder.value = '';
    if (files.length > 0) onModel(files);
  });
  byId('model-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    onModel(byId('address', HTMLInputElement).value.trim());
  });
}
