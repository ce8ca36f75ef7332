// The demo pages: `npm run demo` serves them from the sources, `npm run build:demo` writes dist-demo/,
// which any static host can serve from any path. The models of the package lie beside the pages.
import type { UserConfig } from 'vite';
import { frame, pageNames } from './frame.ts';
import { compactWgsl, ggufReader, groups } from '../test/support/library-build.ts';

const root = `${import.meta.dirname}/..`;
// Training imports at once what translation imports with the first need.
const checks = { ineffectiveDynamicImport: false, pluginTimings: false };

const config: UserConfig = {
  base: './',
  plugins: [compactWgsl, ggufReader, frame],
  publicDir: `${root}/models`,
  resolve: {
    alias: {
      'webgpu-transformer/interpret': `${root}/src/interpret/index.ts`,
      'webgpu-transformer/training': `${root}/src/training/index.ts`,
      'webgpu-transformer': `${root}/src/index.ts`,
    },
  },
  // In the files of the package, which are few: a worker fetches them one after the other.
  worker: {
    format: 'es',
    plugins: () => [compactWgsl, ggufReader],
    rolldownOptions: { checks, output: { codeSplitting: { groups } } },
  },
  server: { fs: { allow: [root] } },
  build: {
    target: 'es2023',
    outDir: `${root}/dist-demo`,
    emptyOutDir: true,
    sourcemap: true,
    // The page's content security policy allows files of its own, and no data: addresses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      checks,
      input: pageNames.map((page) => `${import.meta.dirname}/${page}.html`),
    },
  },
};

export default config;
