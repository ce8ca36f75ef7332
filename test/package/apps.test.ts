// The installed package in programs: translating a phrase in Node, plain and bundled, and in Chromium
// by way of the usual bundlers and of a development server.
import { cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { build as esbuild } from 'esbuild';
import { type Browser, chromium, type Route } from 'playwright';
import { build as vite, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import webpack from 'webpack';
import { serve } from '../demo/server.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { copyModel, install } from './consumer.ts';

vi.setConfig({ testTimeout: 300_000 });

const consumer = await install('@webgpu/types', 'debug', 'webgpu');
const { folder, write, node } = consumer;
const at = (...parts: string[]): string => path.join(folder, ...parts);

await write({
  'app.js': `
import { Gpu, pipeline } from 'webgpu-transformer';
const gpu = await Gpu.request();
const phrases = new URL('.', import.meta.resolve('webgpu-transformer/models/phrases/config.json'));
const translate = await pipeline('translation', phrases, { gpu });
console.log('It says:', (await translate('in 3 days', { to: 'de' }))[0].translationText);
translate.dispose();
gpu.dispose();
`,
  'web/main.js': `
import { pipeline } from 'webgpu-transformer';
pipeline('translation', 'models/phrases', { cache: false })
  .then((translate) => translate('in 3 days', { to: 'de' }))
  .then(([{ translationText }]) => (document.title = translationText), (error) => (document.title = String(error)));
`,
  'web/index.html': '<!doctype html><title></title><script type="module" src="./main.js"></script>',
});

describe('in Node', () => {
  const bundle = (outfile: string, external: string[]): Promise<unknown> =>
    esbuild({
      absWorkingDir: folder,
      entryPoints: ['app.js'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      external,
      logLevel: 'error',
    });

  test('as it is, and on the command line', async () => {
    const { output } = await node('app.js');
    expect(output).toContain('It says: in 3 Tagen');
    const command = 'node_modules/.bin/webgpu-transformer';
    const translated = await node(command, 'translate', 'in 3 days', '--to', 'de', '--quiet');
    expect(translated.output).toContain('in 3 Tagen');
    expect(translated.code).toBe(0);
    // The other embedded model, which has a path of its own, too.
    const options = ['--max-new-tokens', '4', '--quiet', '--json'];
    const written = await node(command, 'generate', 'It is a truth', ...options);
    expect(written.output).toMatch(/"generatedText":"[^"]/);
    const resolve =
      "console.log(import.meta.resolve('webgpu-transformer/models/novels/config.json'))";
    const { output: address } = await node('--input-type=module', '--eval', resolve);
    expect(address).toMatch(/models\/novels\/config\.json\n$/);
  });

  test('bundled, with webgpu beside the bundle', async () => {
    await bundle('out/external.js', ['webgpu']);
    expect((await node('out/external.js')).output).toContain('It says: in 3 Tagen');
  });

  test('bundled with webgpu in the bundle, which says what is wrong', async () => {
    await bundle('out/inlined.js', []);
    const { code, output } = await node('out/inlined.js');
    expect(code).toBe(1);
    expect(output).toContain("code: 'ADAPTER_NOT_FOUND'");
    expect(output).toMatch(/"webgpu" was bundled into this program.*--external:webgpu/);
  });

  test('in CommonJS, too; and where the package has no module for this machine', async () => {
    await esbuild({
      stdin: {
        contents: "import('webgpu-transformer').then(({ Gpu }) => Gpu.request())",
        resolveDir: folder,
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: at('out/inlined.cjs'),
      logLevel: 'error',
      logOverride: { 'empty-import-meta': 'silent' },
    });
    expect((await node('out/inlined.cjs')).output).toContain('"webgpu" was bundled');
    const index = 'node_modules/webgpu/index.js';
    await write({
      'lacking/app.js': "import { Gpu } from 'webgpu-transformer'; await Gpu.request();",
      'lacking/node_modules/webgpu/package.json': '{"name": "webgpu", "type": "module"}',
      [`lacking/${index}`]: await readFile(at(index), 'utf8'),
    });
    await cp(at('node_modules/webgpu-transformer'), at('lacking/node_modules/webgpu-transformer'), {
      recursive: true,
    });
    expect((await node('lacking/app.js')).output).toMatch(/has no native module for \w+ on \w+/);
  });

  test('without webgpu', async () => {
    await rm(at('node_modules/webgpu'));
    const { code, output } = await node('app.js');
    expect(code).toBe(1);
    expect(output).toContain('"webgpu" is not installed. Run npm install webgpu.');
  });
});

describe('in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    copyModel(consumer, 'web/public');
    browser = await chromium.launch(chromiumLaunchOptions());
  });
  afterAll(() => browser?.close());

  /** Opens a page and waits for what it translates. Returns the scripts that it loads. */
  async function expectTranslation(url: string): Promise<string[]> {
    const page = await browser.newPage();
    const scripts: string[] = [];
    page.on('request', (request) => {
      if (request.resourceType() === 'script') scripts.push(request.url());
    });
    await page.goto(url);
    await page.waitForFunction(() => document.title !== '', undefined, { timeout: 120_000 });
    expect(await page.title()).toBe('in 3 Tagen');
    await page.close();
    return scripts;
  }

  /**
   * Opens a page whose requests are answered together, once no more of them come, and so on: how often
   * does it wait for the network before it translates?
   */
  async function wavesOf(url: string): Promise<string[][]> {
    const page = await browser.newPage();
    let held: Route[] = [];
    await page.route('**', (route) => void held.push(route));
    const opened = page.goto(url, { waitUntil: 'commit' });
    const waves: string[][] = [];
    const idle = (): Promise<string> =>
      page.evaluate(async () => {
        await new Promise((resolve) => void requestIdleCallback(resolve));
        return document.title;
      });
    for (let before = 0, title = ''; title === ''; before = held.length) {
      await new Promise((resolve) => void setTimeout(resolve, 50));
      if (waves.length > 0) title = await idle();
      if (held.length === 0 || held.length > before) continue;
      waves.push(held.map((route) => path.basename(route.request().url())));
      const answered = held.map(async (route) => {
        const response = page.waitForEvent('requestfinished', (one) => one === route.request());
        await route.continue();
        await response;
      });
      held = [];
      await Promise.all(answered);
      await opened;
    }
    await page.close();
    return waves;
  }

  async function expectServed(dist: string): Promise<string[]> {
    const { server, url } = await serve(at(dist));
    try {
      return await expectTranslation(url);
    } finally {
      server.close();
    }
  }

  test('built by Vite', async () => {
    const [root, outDir] = [at('web'), at('vite')];
    await vite({ root, configFile: false, base: './', logLevel: 'error', build: { outDir } });
    const scripts = await expectServed('vite');
    console.log(`${scripts.length} scripts: ${scripts.map((url) => path.basename(url)).join(' ')}`);
    expect(scripts.length).toBeLessThanOrEqual(10);
  });

  test('built by Vite, waiting seldom before the first translation', async () => {
    const { server, url } = await serve(at('vite'));
    try {
      const waves = await wavesOf(url);
      console.log(waves.map((wave) => wave.join(' ')).join('\n'));
      expect(waves.length).toBeLessThanOrEqual(10);
    } finally {
      server.close();
    }
  });

  test('served by Vite while it is written', async () => {
    const server = await createServer({ root: at('web'), configFile: false, logLevel: 'error' });
    await server.listen(0);
    try {
      await expectTranslation(server.resolvedUrls?.local[0] ?? '');
    } finally {
      await server.close();
    }
  });

  test('built by webpack', async () => {
    const compiler = webpack({
      mode: 'production',
      context: folder,
      entry: './web/main.js',
      output: { path: at('webpack'), filename: 'main.js' },
      optimization: { minimize: false },
      performance: false,
    });
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      compiler.run((error, result) => (error === null ? resolve(result) : reject(error)));
    });
    const told = stats?.toJson({ all: false, errors: true, warnings: true });
    expect([told?.errors, told?.warnings]).toEqual([[], []]);
    await write({
      'webpack/index.html': '<!doctype html><title></title><script src="./main.js"></script>',
    });
    copyModel(consumer, 'webpack');
    await expectServed('webpack');
  });

  test('built by esbuild', async () => {
    const options = { bundle: true, splitting: true, minify: true, format: 'esm' } as const;
    const places = { entryPoints: [at('web/main.js')], outdir: at('esbuild') };
    await esbuild({ ...options, ...places, logLevel: 'error' });
    await write({
      'esbuild/index.html':
        '<!doctype html><title></title><script type="module" src="./main.js"></script>',
    });
    copyModel(consumer, 'esbuild');
    await expectServed('esbuild');
  });
});
