// Where the model is that ships with the package.

import { fileURLToPath } from 'node:url';

/** A folder beside that of the built command. */
export function embeddedModel(): string {
  return fileURLToPath(new URL(/* @vite-ignore */ '../models/phrases', import.meta.url));
}
