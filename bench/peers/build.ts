// Builds the pages of the libraries, each by itself, as an app would.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';
import { compactWgsl, groups } from '../../test/support/library-build.ts';
import { messageOf } from './browsers.ts';
import type { LibraryPage } from './libraries.ts';

/**
 * Every page becomes `outDir/NAME/NAME.js`; those of cold/ are `cold-NAME/NAME.js`. Of one that cannot be
 * built, since its package is not installed say, the reason is printed. Result: the names of these.
 */
export async function buildPages(
  libraries: readonly LibraryPage[],
  { root, outDir }: { root: string; outDir: string },
): Promise<Set<string>> {
  const read = (file: string): Record<string, unknown> =>
    JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, unknown>;
  const installed = read('bench/package.json')['devDependencies'] as Record<string, string>;
  const versions = { ...installed, ours: read('package.json')['version'] };
  const pages = libraries.flatMap(({ page, cold }) => [
    { folder: 'pages', name: page, to: page },
    { folder: 'cold', name: cold, to: `cold-${cold}` },
  ]);
  const failed = new Set<string>();
  for (const { folder, name, to = '' } of pages) {
    if (name === undefined) continue;
    try {
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
          outDir: path.join(outDir, to),
          emptyOutDir: true,
          target: 'es2023',
          modulePreload: false,
          rolldownOptions: {
            input: path.join(root, 'bench/peers', folder, `${name}.js`),
            output: {
              entryFileNames: '[name].js',
              chunkFileNames: '[name]-[hash].js',
              // The files that the package has, of which a page loads many.
              ...(name === 'translation' && { codeSplitting: { groups } }),
            },
          },
        },
      });
    } catch (error) {
      console.error(`${folder}/${name}.js cannot be built: ${messageOf(error)}`);
      failed.add(to);
    }
  }
  return failed;
}
