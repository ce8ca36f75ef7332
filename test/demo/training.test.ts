// The training page as it is published: built, served below a path of its own under a strict content
// security policy, and used in Chromium. The smallest preset trains.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { pipeline, type TranslationPipeline } from 'webgpu-transformer';
import { TrainingRun } from '../../demo/train/training-run.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { savedModel } from './saved-model.ts';
import { serve } from './server.ts';
import { TrainingPage, workerFile } from './training-page.ts';

const root = path.resolve(import.meta.dirname, '../..');

vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let browser: Browser;
let server: Server;
let url: string;
let training: TrainingPage;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'training-page-'));
  await build({ root: path.join(root, 'demo'), logLevel: 'warn', build: { outDir: folder } });
  ({ server, url } = await serve(folder));
  browser = await chromium.launch(chromiumLaunchOptions());
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await page?.context().close();
  const { complaints } = training;
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

async function open(options: BrowserContextOptions = {}): Promise<void> {
  training = await TrainingPage.open(browser, `${url}train.html`, options);
  page = training.page;
}

test('learns in a worker while the page stays free, and shows how', async () => {
  await open();
  const blank = await training.curvePixels();
  await training.start();
  await training.waitForStatus(/step \d+,/); // the first look; a later one if it was quick
  const early = await training.pictures();
  expect(page.workers().length).toBe(1);
  const frames = await training.frames();
  const shown = await training.steps(40);
  expect((await training.frames()) - frames).toBeGreaterThan(10);

  // A model that knows nothing has a loss of about the log of the vocabulary's size, 256; what is
  // shown is a mean over the past.
  expect(Math.abs(shown[0]!.loss - Math.log(256))).toBeLessThan(1);
  expect(shown[39]!.loss).toBeLessThan(shown[0]!.loss - 0.5);
  expect(await training.curvePixels()).toBeGreaterThan(blank + 1000);
  expect(await training.fact('step')).toMatch(/^\d+ of 3000$/);
  expect(await training.fact('speed')).toMatch(/^[\d,]+ tokens\/s$/);
  expect(await training.fact('memory')).toMatch(/^\d+\.\d MB$/);
  expect(await training.fact('skipped')).toBe('0');
  expect(await training.fact('adapter')).toMatch(/.+ \((software|gpu) kernels\)/);

  await training.pause();
  const rows = await training.table();
  expect(rows.length).toBe(8);
  const first = ['Tuesday, August 28, 2007English to French', 'mardi 28 août 2007'];
  expect(rows[0]!.slice(0, 2)).toEqual(first);
  expect(rows.some(([, , answer]) => answer !== '')).toBe(true);

  // A phrase of the visitor's is answered, well or not.
  await page.getByLabel('Phrase', { exact: true }).fill('in 5 days');
  await training.button('Translate').click();
  await page.locator('#trial-answer:not(:empty)').waitFor();

  const drawn = await training.pictures();
  expect(drawn.length).toBe(4);
  for (const [i, picture] of drawn.entries()) expect(picture).not.toBe(early[i]);
  const readout = page.locator('#readout');
  await page.locator('#map').focus();
  expect(await readout.textContent()).toMatch(/^target «.+» attends to source «.+»/);
  await page.getByLabel('Encoder self-attention').check();
  await page.locator('#map').focus();
  expect(await readout.textContent()).toMatch(/^source «.+» attends to source «.+»/);
  expect(await training.pictures()).not.toEqual(drawn);
  expect(await training.stop()).toBe('0 bytes');
});

test('pauses, resumes with the next step, and begins anew after a stop', async () => {
  await open();
  await training.start({ lookEvery: 1000 });
  await training.steps(3);
  const last = await training.pause();
  const before = await training.steps(last);
  await page.waitForTimeout(400);
  expect(await training.steps(last)).toEqual(before);
  await training.button('Resume').click();
  const resumed = (await training.steps(last + 3)).slice(0, last + 3);
  expect(resumed.map(({ step }) => step)).toEqual(resumed.map((_, i) => i + 1));
  await training.stop();
  expect(await training.button('Pause').isDisabled()).toBe(true);
  expect(await training.button('Save the model').isDisabled()).toBe(true);

  // The same seed gives the same steps, whether the run was paused or not.
  await training.forgetSteps();
  await training.start({ lookEvery: 1000 });
  const straight = await training.steps(resumed.length);
  expect(straight.slice(0, resumed.length)).toEqual(resumed);
  expect(await training.stop()).toBe('0 bytes');

  // Another one gives others.
  await training.forgetSteps();
  await training.start({ seed: 2, lookEvery: 1000 });
  expect((await training.steps(1))[0]).not.toEqual(resumed[0]);

  // The page is not left without a question while its training is saved nowhere.
  const asked = page.waitForEvent('dialog');
  await page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.accept();
});

test('saves a model that the library loads, with the attention that the page shows', async () => {
  await open();
  await training.start({ lookEvery: 1 });
  await training.steps(5);
  await training.button('Save the model').click();
  await page.locator('#saved', { hasText: /The model as it was after step \d+:/ }).waitFor();
  await training.steps(10);
  const step = await training.pause();
  expect(await page.locator('#look-step').textContent()).toBe(`After step ${step}`);
  await training.button('Save the model').click();
  await page.locator('#saved', { hasText: `after step ${step}:` }).waitFor();

  const files = await savedModel(page);
  using translator = await pipeline('translation', { read: async (name) => files.get(name) });
  const { weights, source, target } = await attentionOf(translator);
  const map = page.locator('#map');
  await map.focus();
  await map.press('Control+Home');
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < source.length; column++) {
      const text = (await page.locator('#readout').textContent()) ?? '';
      const names = `target «${target[row]}» attends to source «${source[column]}»: `;
      expect(text.slice(0, names.length)).toBe(names);
      const weight = weights[row * source.length + column]!;
      // Half of the last digit shown, and what two drivers may differ by.
      expect(Math.abs(Number(text.slice(names.length)) - weight)).toBeLessThan(0.0006);
      await map.press('ArrowRight');
    }
    await map.press('Home');
    await map.press('ArrowDown');
  }
  expect(files.size).toBe(5);
  // What was learned outlives the run.
  await training.stop();
  await page.locator('#saved', { hasText: `after step ${step}:` }).waitFor();
  expect((await savedModel(page)).get('model.safetensors')).toEqual(files.get('model.safetensors'));
});

/** Cross-attention of the first layer for the first phrase, computed in Node: (1, heads, T, S). */
async function attentionOf(
  translator: TranslationPipeline,
): Promise<{ weights: Float32Array; source: string[]; target: string[] }> {
  const { model, tokenizer } = translator;
  const source = translator.encode('Tuesday, August 28, 2007', { to: 'fr' });
  const target = tokenizer.encode('mardi 28 août 2007');
  const startId = Number(model.config['decoder_start_token_id']);
  const { crossAttentions } = await model.forward(
    { inputIds: [source], decoderInputIds: [[startId, ...target.slice(0, -1)]] },
    { attentions: true },
  );
  return {
    weights: crossAttentions![0]!.data,
    source: tokenizer.tokens(source),
    target: tokenizer.tokens(target),
  };
}

test('marks what is right and what is wrong, and shows what the worker reports', async () => {
  await open();
  const phrase = { kind: 'measure', from: 'de', to: 'en' } as const;
  const names = { map: 'Cross-attention', row: 'target', column: 'source' };
  const nothing = { layers: [], rows: [], columns: [], names };
  await training.scriptWorker([
    {
      type: 'ready',
      facts: {
        adapter: 'a scripted one',
        parameters: 1234,
        steps: 50,
        leastLoss: 0.9,
        samples: [
          { ...phrase, text: 'a', answers: ['first', 'second'] },
          { ...phrase, text: 'b', answers: ['first', 'second'] },
          { ...phrase, text: 'c', answers: ['first', 'second'] },
        ],
      },
    },
    { type: 'running' },
    {
      type: 'step',
      gpuBytes: 2_340_000,
      step: {
        step: 7,
        loss: 3.21,
        tokensPerSecond: 1234.5,
        learningRate: 0.001234,
        gradNorm: 1,
        skipped: true,
        skippedSteps: 2,
      },
    },
    {
      type: 'look',
      look: { step: 7, answers: ['second', 'firs', 'first'], cross: nothing, encoder: nothing },
    },
  ]);
  await training.start();
  await training.waitForStatus(/^Training: step 7, 2 of 3 phrases right\.$/);
  expect(await training.table()).toEqual([
    ['aGerman to English', 'first', 'second', '✓right'],
    ['bGerman to English', 'first', 'firs', '✗wrong'],
    ['cGerman to English', 'first', 'first', '✓right'],
  ]);
  const facts = ['step', 'loss', 'right', 'speed', 'learning-rate', 'skipped', 'parameters'];
  expect(await Promise.all(facts.map((name) => training.fact(name)))).toEqual([
    '7 of 50',
    '3.210',
    '2 of 3',
    '1,235 tokens/s',
    '0.00123',
    '2',
    '1,234',
  ]);
  expect(await training.fact('memory')).toBe('2.3 MB');
});

test('tells that a run which was stopped could not be saved', async () => {
  const gpu = { memory: { bytes: 0 }, dispose: () => {} };
  const saveModel = (): Promise<void> => Promise.reject(new Error('No memory is left.'));
  const trainer = { step: 3, saveModel, dispose: () => {} };
  const parts = { gpu, trainer, files: [], dispose: () => {} };
  const run = new TrainingRun(parts as unknown as ConstructorParameters<typeof TrainingRun>[0]);
  const remains = await run.close();
  expect(remains).toEqual({ gpuBytes: 0, unsaved: 'No memory is left.' });

  await open();
  await training.scriptWorker([{ type: 'running' }], [{ type: 'stopped', ...remains }]);
  await training.start();
  await training.waitForStatus(/^Training …$/);
  await training.button('Stop').click();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toBe('The model was not savedNo memory is left.');
  expect(await page.locator('#status').textContent()).toBe('Stopped.');
});

test('tells why a run ended, and begins another', async () => {
  await open();
  const message = 'The loss was not finite.';
  await training.scriptWorker([
    { type: 'running' },
    { type: 'failed', code: 'TRAINING_DIVERGED', message },
  ]);
  await training.start();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toBe(`Training went astray${message}`);
  await training.workerEnd();

  // Stopped while it prepares.
  await page.unroute(workerFile);
  await training.start();
  expect(await problem.isVisible()).toBe(false);
  await training.stop();
  await training.start();
  await training.steps(1);
});

test('says what is missing without WebGPU, and stays usable', async () => {
  await open();
  await page.route(workerFile, async (route) => {
    const response = await route.fetch();
    const body = `Reflect.deleteProperty(WorkerNavigator.prototype, 'gpu');\n${await response.text()}`;
    await route.fulfill({ response, body });
  });
  await training.start();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toMatch(/WebGPU is missing.*navigator\.gpu.*Use a current/);
  expect(await training.button('Start').isEnabled()).toBe(true);
  expect(await training.button('Stop').isDisabled()).toBe(true);
  await training.workerEnd();
});

test('fits a narrow screen, and leads to the other pages', async () => {
  await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark', locale: 'en-US@posix' });
  await training.start({ lookEvery: 1 });
  await training.steps(2);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
  expect((await page.locator('#map').boundingBox())!.width).toBeGreaterThan(200);

  const html = await readFile(path.join(folder, 'train.html'), 'utf8');
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  const links = page.getByRole('navigation').getByRole('link');
  const targets = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  const titles = [
    'Attention at work',
    'Attention learning',
    'Attention at a glance',
    'Attention listening',
    'Look inside',
  ];
  expect(targets.length).toBe(titles.length);
  for (const [i, target] of targets.entries()) {
    const other = await fetch(new URL(target ?? '', `${url}train.html`));
    expect(await other.text()).toMatch(new RegExp(`<h1[^>]*>${titles[i]}</h1>`));
  }
});
