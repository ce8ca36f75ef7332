// Bundles programs of the bench, written in TypeScript, with the library's sources for Node.
import path from 'node:path';
import { build } from 'vite';

const root = path.dirname(import.meta.dirname);

/**
 * @param {string} entry the program, as `bench/main.ts`; it becomes main.mjs
 * @param {string} outDir
 */
export function bundle(entry, outDir) {
  return build({
    configFile: false,
    root,
    logLevel: 'warn',
    resolve: {
      alias: {
        'webgpu-transformer/interpret': path.join(root, 'src/interpret/index.ts'),
        'webgpu-transformer/serve': path.join(root, 'src/serve/index.ts'),
        'webgpu-transformer/training': path.join(root, 'src/training/index.ts'),
        'webgpu-transformer': path.join(root, 'src/index.node.ts'),
      },
    },
    build: {
      ssr: entry,
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
    },
    ssr: { external: ['webgpu', '@huggingface/tokenizers', 'playwright', 'vite'] },
  });
}
