// What the library's entries have as a module of the tests, `virtual:interface`, for browsers too: the types
// are read in Node.

import type { Plugin } from 'vite';

const name = 'virtual:interface';

export const libraryInterface: Plugin = {
  name: 'library-interface',
  resolveId: (id) => (id === name ? `\0${name}` : undefined),
  async load(id) {
    if (id !== `\0${name}`) return undefined;
    // With TypeScript, which other tests do without.
    const { callables } = await import('../support/interface.ts');
    const all = [...callables('src/index.ts', 'src/training/index.ts', 'src/interpret/index.ts')];
    return `export const callables = new Map(${JSON.stringify(all)});`;
  },
};
