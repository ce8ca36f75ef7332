// Where the models are that ship with the package.

import { fileURLToPath } from 'node:url';

/** A folder of the package's models, from here in src/cli as from the build in dist/shared. */
export function embeddedModel(name: 'phrases' | 'novels'): string {
  return fileURLToPath(new URL(/* @vite-ignore */ `../../models/${name}`, import.meta.url));
}
