// Builds the pages of the libraries, each by itself, as an app would.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';
import { compactWgsl, groups } from '../../test/support/library-build.ts';

/** Every page becomes `outDir/NAME/NAME.js`; those of cold/ are `cold-NAME/NAME.js`. */
export async function buildPages(root: string, outDir: string): Promise<void> {
  const read = (file: string): Record<string, unknown> =>
    JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, unknown>;
  const installed = read('bench/package.json')['devDependencies'] as Record<string, string>;
  const versions = { ...installed, ours: read('package.json')['version'] };
  for (const [folder, prefix] of [
    ['pages', ''],
    ['cold', 'cold-'],
  ] as const) {
    for (const file of readdirSync(path.join(root, 'bench/peers', folder))) {
      await build({
        configFile: false,
        root: path.join(root, 'bench'),
        logLevel: 'error',
        define: { VERSIONS: JSON.stringify(versions) },
        resolve: {
          alias: {
            'webgpu-transformer/training': path.join(root, 'src/training/index.ts'),
            'webgpu-transformer': path.join(root, 'src/index.ts'),
          },
        },
        plugins: [compactWgsl],
        build: {
          outDir: path.join(outDir, prefix + path.basename(file, '.js')),
          emptyOutDir: true,
          target: 'es2023',
          modulePreload: false,
          rolldownOptions: {
            input: path.join(root, 'bench/peers', folder, file),
            output: {
              entryFileNames: '[name].js',
              chunkFileNames: '[name]-[hash].js',
              // The files that the package has, of which a page loads many.
              ...(file === 'translation.js' && { codeSplitting: { groups } }),
            },
          },
        },
      });
    }
  }
}
