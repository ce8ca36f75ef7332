// The library build, and the two test projects over one tree of tests: Node (Dawn) and Chromium.
// The page in demo/ has its own configuration.
import { playwright } from '@vitest/browser-playwright';
import type { ViteUserConfig } from 'vitest/config';
import { chromiumLaunchOptions } from './test/support/chromium.ts';

const built = process.env['TEST_BUILT'] === '1';
const tests = built ? ['test/{api,node}/**/*.test.ts'] : ['test/**/*.test.ts'];

/** What the name of the package means in a test: the sources, or (no alias) the built package. */
function library(entry: string): Record<string, string> {
  if (built) return {};
  const sources = `${import.meta.dirname}/src`;
  return {
    'webgpu-transformer/metrics': `${sources}/metrics/index.ts`,
    'webgpu-transformer/training': `${sources}/training/index.ts`,
    'webgpu-transformer': `${sources}/${entry}`,
  };
}

/** Drops comments and indentation from inlined WGSL; lines stay, so that errors still name them. */
const compactWgsl = {
  name: 'compact-wgsl',
  apply: 'build' as const,
  enforce: 'pre' as const,
  transform: {
    filter: { id: /\.wgsl\?raw$/ },
    handler(code: string): { code: string; map: null } {
      const bare = code.replaceAll(/ *\/\/[^\n]*?(?=\\n)/g, '').replaceAll(/\\n +/g, '\\n');
      return { code: bare, map: null };
    },
  },
};

const config: ViteUserConfig = {
  plugins: [compactWgsl],
  build: {
    target: 'es2023',
    sourcemap: true,
    minify: false,
    lib: {
      entry: {
        index: 'src/index.ts',
        'index.node': 'src/index.node.ts',
        metrics: 'src/metrics/index.ts',
        training: 'src/training/index.ts',
        cli: 'src/cli/main.ts',
      },
      formats: ['es'],
    },
    rolldownOptions: {
      external: ['webgpu', /^@huggingface\//, /^node:/],
      output: {
        chunkFileNames: 'shared/[name].js',
        // Shared files: errors, what both platforms need to run models (with the shaders that it
        // imports), what training needs besides, what only Node needs, and the parts that are loaded
        // with the first need, such as tasks. Node's has side effects (it registers the search for
        // adapters), so package.json lists it.
        codeSplitting: {
          groups: [
            { name: 'errors', priority: 4, test: /\/src\/runtime\/errors\.ts/ },
            {
              name: 'library',
              priority: 3,
              test: /\/src\/(runtime\/|model\/|tasks\/(pipeline|aligned|tokenizer(?!-vo))|index\.ts)/,
            },
            { name: 'training', priority: 2, test: /\/src\/(training|phrases|shaders)\// },
            { name: 'node', priority: 1, test: /\/src\/(node\/|index\.node)/ },
          ],
        },
        banner: (chunk) => (chunk.name === 'cli' ? '#!/usr/bin/env node' : ''),
      },
    },
  },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/setup/web-server.ts'],
    projects: [
      {
        extends: true,
        resolve: { alias: library('index.node.ts') },
        test: {
          name: 'node',
          include: tests,
          setupFiles: ['test/setup/node.ts'],
          pool: 'forks',
          fileParallelism: false,
        },
      },
      {
        extends: true,
        resolve: { alias: library('index.ts') },
        optimizeDeps: { include: ['@huggingface/jinja', '@huggingface/tokenizers'] },
        test: {
          name: 'chromium',
          include: tests,
          exclude: ['test/{node,demo}/**'],
          setupFiles: ['test/setup/chromium.ts'],
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
};

export default config;
