// Examples of docs/ that are files of an app: written into a project that has the installed package, built or
// served as their page says, and driven in Chromium.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { serve } from '../demo/server.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { codeBlocks } from '../support/snippets.ts';
import { copyModel, install } from './consumer.ts';

vi.setConfig({ testTimeout: 300_000 });

const root = path.resolve(import.meta.dirname, '../..');
const consumer = await install();
const index =
  '<!doctype html><title>An app</title><body><script type="module" src="/src/main.ts"></script>';

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(chromiumLaunchOptions());
});
afterAll(() => browser?.close());

/** The files that a page of docs/ shows, by their names: code blocks, and files of examples/ that it includes. */
async function filesOf(page: string): Promise<Record<string, string>> {
  const place = path.join(root, 'docs', page);
  const text = await readFile(place, 'utf8');
  const shown = codeBlocks(text).filter(({ title }) => title !== '');
  const included = [...text.matchAll(/^<<< (\S+)(?: \{\w+\})? \[(.+)\]$/gm)].map(
    async ([, file = '', title = '']) => {
      const code = await readFile(path.resolve(path.dirname(place), file), 'utf8');
      return [title, code] as const;
    },
  );
  const files = await Promise.all(included);
  return Object.fromEntries([...files, ...shown.map(({ title, code }) => [title, code] as const)]);
}

/** Writes an app into a folder of the project, beside the model. */
async function appOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const placed = new Map(Object.entries(files).map(([file, code]) => [`${name}/${file}`, code]));
  await consumer.write(Object.fromEntries(placed));
  copyModel(consumer, `${name}/public`);
  return path.join(consumer.folder, name);
}

/** Builds an app with Vite, by its own configuration, and serves what is built. */
async function built(folder: string): Promise<PreviewServer & { url: string }> {
  await build({ root: folder, logLevel: 'error' });
  const server = await preview({ root: folder, logLevel: 'error', preview: { port: 0 } });
  return Object.assign(server, { url: server.resolvedUrls?.local[0] ?? '' });
}

async function expectTranslation(page: Page): Promise<void> {
  const failed = new Promise<string>((resolve) => {
    page.once('pageerror', ({ message }) => resolve(message));
  });
  const shown = page.getByText('in 3 Tagen').waitFor({ timeout: 120_000 });
  expect(await Promise.race([shown, failed])).toBeUndefined();
}

test('the app of the start', async () => {
  const { 'src/main.ts': main = '' } = await filesOf('start.md');
  const server = await built(await appOf('start', { 'index.html': index, 'src/main.ts': main }));
  const page = await browser.newPage();
  await page.goto(server.url);
  await expectTranslation(page);
  await server.close();
});

test('the page without a build step', async () => {
  const { 'index.html': page = '' } = await filesOf('start.md');
  await consumer.write({ 'index.html': page });
  const { server, url } = await serve(consumer.folder, { policy: '' });
  const opened = await browser.newPage();
  await opened.goto(url);
  await expectTranslation(opened);
  server.close();
});

test('the worker', async () => {
  const server = await built(
    await appOf('workers', { 'index.html': index, ...(await filesOf('guides/workers.md')) }),
  );
  const page = await browser.newPage();
  await page.goto(server.url);
  await expectTranslation(page);
  await server.close();
});

test('the handler in a service worker', async () => {
  const files = await filesOf('guides/serving.md');
  const folder = await appOf('serving', { 'index.html': index, ...files });
  const server = await built(folder);
  const configFile = path.join(folder, 'vite.sw.config.js');
  await build({ root: folder, configFile, logLevel: 'error' });
  const page = await browser.newPage();
  await page.goto(server.url);
  await expectTranslation(page);
  await server.close();
});

test('the app that a service worker keeps, when its server is gone', async () => {
  const files = await filesOf('guides/service-workers.md');
  const server = await built(await appOf('offline', { 'index.html': index, ...files }));
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  await expectTranslation(page);
  // What the page was made of before the service worker was there is kept with the second visit.
  await page.reload();
  await expectTranslation(page);
  await server.close();
  await page.reload();
  await expectTranslation(page);
  await context.close();
});
