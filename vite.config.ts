// The library build, and the two test projects over one tree of tests: Node (Dawn) and Chromium.
// The page in demo/ has its own configuration.
import path from 'node:path';
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
      // Training and the command line import at once what inference imports with the first need.
      checks: { ineffectiveDynamicImport: false },
      output: {
        chunkFileNames: 'shared/[name].js',
        // A module stands in one file only, so that entries share classes. A group takes what its
        // modules import with it, unless a group before it has that: first what every program
        // loads; then what parts that are loaded with the first need have in common. Those with
        // side effects (`node` registers the search for adapters, `training` what makes training
        // heads) are listed in package.json.
        codeSplitting: {
          groups: [
            { name: 'errors', test: /\/src\/runtime\/errors\.ts/ },
            { name: 'library', test: /\/src\/index\.ts/ },
            {
              name: 'layers',
              test: /\/src\/(runtime\/|model\/(encoder|logits|generator|token-inputs|model)\.ts)/,
            },
            {
              name: 'models',
              test: /\/src\/model\/(.*-layers|causal-head|positional-encoding)\.ts/,
            },
            { name: 'sequence-model', test: /\/src\/model\/sequence-model\.ts/ },
            { name: 'decoder', test: /\/src\/model\/(decoder|option-reader)\.ts/ },
            { name: 'encoder-decoder', test: /\/src\/model\/encoder-decoder\.ts/ },
            {
              name: 'generation',
              test: /\/src\/model\/(generation|generation-steps|prompt-plan)\.ts/,
            },
            { name: 'remote', test: /\/src\/model\/(hub-source|cached-source|cache-store)\.ts/ },
            { name: 'tokenizer', test: /\/src\/tasks\/tokenizer\.ts/ },
            { name: 'llama', test: /\/src\/model\/llama\.ts/ },
            { name: 'torch-transformer', test: /\/src\/model\/torch-transformer\.ts/ },
            { name: (id: string) => path.basename(id, '.ts'), test: /\/src\/model\// },
            { name: 'training', test: /\/src\/(training|phrases|shaders)\// },
            { name: 'node', test: /\/src\/(node\/|index\.node)/ },
          ].map((group, index, { length }) => ({ ...group, priority: length - index })),
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
