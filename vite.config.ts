// The library build, and the two test projects over one tree of tests: Node (Dawn) and Chromium.
// The page in demo/ has its own configuration.
import { playwright } from '@vitest/browser-playwright';
import type { ViteUserConfig } from 'vitest/config';
import {
  compactWgsl,
  external,
  ggufReader,
  groups,
  inlineRuntime,
} from './test/support/library-build.ts';
import { chromiumLaunchOptions } from './test/support/chromium.ts';
import { libraryInterface } from './test/setup/interface.ts';
import { documentSnippets } from './test/setup/documents.ts';

const built = process.env['TEST_BUILT'] === '1';
const soaks = process.env['SOAK'] !== undefined;
// They need what `npm --prefix examples ci` installs.
const frameworks = process.env['TEST_FRAMEWORKS'] === '1';
const tests = built ? ['test/{api,node}/**/*.test.ts'] : ['test/**/*.test.ts'];
// Of the built package: what a broken build would break, which is what loads and what is exported. The command line that
// other tests run is built, too.
const ofModels =
  'test/api/{checkpoints-variants,equivalences,generation*,*lifecycle,out-of-memory*,points,recovery,refusals,self-check,states,steering,torch-transformer}.test.ts';
const ofCommands =
  'test/node/{cli-*,docs,phrases,train-cli,training-files,translation-score}.test.ts';
// Of files of the sources that stand behind its entries.
const ofSources = 'test/{api/point-edits,node/adapter,node/http-source}.test.ts';
// In the browser, which is slow, runs what only it can show: each op by the doctor's checks (test/self-test), the tasks,
// a checkpoint of each kind, one training. TEST_EVERYWHERE=1 runs the kernels' own tests in it, too.
const everywhere = process.env['TEST_EVERYWHERE'] === '1';
const withoutBrowser = [
  ...(everywhere ? [] : ['test/shaders/**']),
  'test/api/{checkpoints-variants,equivalences,point-*,states,steering}.test.ts',
  'test/{demo,fuzz,interpret,jobs,metrics,model,node,package,phrases,serve,tokenizer}/**',
  'test/training/!(learning).test.ts',
  'test/training/*/**',
];
// In Node two files at once: a driver that draws on the CPU leaves one of two cores idle half of the time. Beside them
// Chromium runs, one file after the other; Vitest starts them together where all may have as many workers.
const maxWorkers = 2;
const skipped = [
  ...(built ? [ofModels, ofCommands, ofSources] : []),
  ...(soaks ? [] : ['test/soak/**']),
  ...(frameworks ? [] : ['test/package/frameworks.test.ts']),
];

/** What the name of the package means in a test: the sources, or (no alias) the built package. */
function library(entry: string): Record<string, string> {
  if (built) return {};
  const sources = `${import.meta.dirname}/src`;
  return {
    'webgpu-transformer/interpret': `${sources}/interpret/index.ts`,
    'webgpu-transformer/jobs': `${sources}/jobs/index.ts`,
    'webgpu-transformer/metrics': `${sources}/metrics/index.ts`,
    'webgpu-transformer/serve': `${sources}/serve/index.ts`,
    'webgpu-transformer/training': `${sources}/training/index.ts`,
    'webgpu-transformer': `${sources}/${entry}`,
  };
}

const config: ViteUserConfig = {
  plugins: [compactWgsl, ggufReader, inlineRuntime, documentSnippets, libraryInterface],
  build: {
    target: 'es2023',
    sourcemap: true,
    minify: false,
    lib: {
      entry: {
        index: 'src/index.ts',
        'index.node': 'src/index.node.ts',
        interpret: 'src/interpret/index.ts',
        jobs: 'src/jobs/index.ts',
        metrics: 'src/metrics/index.ts',
        serve: 'src/serve/index.ts',
        training: 'src/training/index.ts',
        cli: 'src/cli/main.ts',
      },
      formats: ['es'],
    },
    rolldownOptions: {
      external,
      // Training and the command line import at once what inference imports with the first need.
      checks: { ineffectiveDynamicImport: false },
      output: {
        chunkFileNames: 'shared/[name].js',
        codeSplitting: { groups },
        banner: (chunk) => (chunk.name === 'cli' ? '#!/usr/bin/env node' : ''),
      },
    },
  },
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    globalSetup: ['test/setup/web-server.ts'],
    projects: [
      {
        extends: true,
        resolve: { alias: library('index.node.ts') },
        test: {
          name: 'node',
          include: tests,
          // In Node test/fuzz tries all of that.
          exclude: ['test/api/arguments.test.ts', ...skipped],
          setupFiles: ['test/setup/node.ts'],
          pool: 'forks',
          maxWorkers,
        },
      },
      {
        extends: true,
        resolve: { alias: library('index.ts') },
        optimizeDeps: {
          include: [
            '@huggingface/gguf',
            '@huggingface/jinja',
            '@huggingface/tokenizers',
            'd3-dsv',
            'fflate',
            'fzstd',
            'hyparquet',
            'openai',
          ],
        },
        test: {
          name: 'chromium',
          include: tests,
          exclude: [...withoutBrowser, ...skipped],
          setupFiles: ['test/setup/chromium.ts'],
          maxWorkers,
          browser: {
            enabled: true,
            fileParallelism: false,
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
