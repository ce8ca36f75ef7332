// Where the model is that ships with the package.

import { fileURLToPath } from 'node:url';

/** A folder of the package, from here in src/cli as from the build in dist/shared. */
export function embeddedModel(): string {
  return fileURLToPath(new URL(/* @vite-ignore */ '../../models/phrases', import.meta.url));
}
