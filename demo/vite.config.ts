// The demo page: `npm run demo` serves it from the sources, `npm run build:demo` writes dist-demo/,
// which any static host can serve from any path. The models of the package lie beside the page.
import type { UserConfig } from 'vite';

const root = `${import.meta.dirname}/..`;

const config: UserConfig = {
  base: './',
  publicDir: `${root}/models`,
  resolve: { alias: { 'webgpu-transformer': `${root}/src/index.ts` } },
  server: { fs: { allow: [root] } },
  build: {
    target: 'es2023',
    outDir: `${root}/dist-demo`,
    emptyOutDir: true,
    sourcemap: true,
    // The page's content security policy allows files of its own, and no data: addresses.
    assetsInlineLimit: 0,
  },
};

export default config;
