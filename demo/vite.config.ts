// The demo pages: `npm run demo` serves them from the sources, `npm run build:demo` writes dist-demo/,
// which any static host can serve from any path. The models of the package lie beside the pages.
import type { UserConfig } from 'vite';
import { ggufReader } from '../test/support/library-build.ts';

const root = `${import.meta.dirname}/..`;

const config: UserConfig = {
  base: './',
  plugins: [ggufReader],
  publicDir: `${root}/models`,
  resolve: {
    alias: {
      'webgpu-transformer/training': `${root}/src/training/index.ts`,
      'webgpu-transformer': `${root}/src/index.ts`,
    },
  },
  worker: { format: 'es' },
  server: { fs: { allow: [root] } },
  build: {
    target: 'es2023',
    outDir: `${root}/dist-demo`,
    emptyOutDir: true,
    sourcemap: true,
    // The page's content security policy allows files of its own, and no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Training imports at once what translation imports with the first need.
      checks: { ineffectiveDynamicImport: false, pluginTimings: false },
      input: ['index', 'train', 'see', 'hear'].map((page) => `${import.meta.dirname}/${page}.html`),
    },
  },
};

export default config;
