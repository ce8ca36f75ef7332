// The examples of React and Next.js, with the packages that `npm --prefix examples ci` installs: built as their
// package.json says, and driven in Chromium.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { type Browser, chromium } from 'playwright';
import { preview } from 'vite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { installCopies, installExample } from './consumer.ts';

// Next.js compiles for half a minute on two cores that do nothing else.
vi.setConfig({ testTimeout: 1_200_000 });

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(chromiumLaunchOptions());
});
afterAll(() => browser?.close());

/** Translates twice in a page; then in one whose model is not there, which says so. */
async function expectTranslations(url: string): Promise<void> {
  const context = await browser.newContext();
  context.setDefaultTimeout(240_000);
  const page = await context.newPage();
  await page.goto(url);
  const ask = page.getByRole('button', { name: 'Translate' });
  await ask.click();
  await page.getByText('in 3 Tagen').waitFor();
  await page.getByLabel('English').fill('2 weeks ago');
  await ask.click();
  await page.getByText('vor 2 Wochen').waitFor();
  await context.route('**/models/**', (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await ask.click();
  await page.locator('p[role=alert]').getByText('models/phrases').waitFor();
  expect(await ask.isEnabled()).toBe(true);
  await context.close();
}

test('react-worker', async () => {
  const { folder, script } = await installExample('react-worker');
  await script('build');
  const server = await preview({ root: folder, logLevel: 'error', preview: { port: 0 } });
  await expectTranslations(server.resolvedUrls?.local[0] ?? '');
  await server.close();
});

test('next, in the browser and on the server', async () => {
  const { folder, script } = await installCopies('next');
  await script('build');
  const { server, url } = await startNext(folder);
  try {
    await expectTranslations(url);
    const ask = (to: string): Promise<Response> =>
      fetch(`${url}/api/translate`, {
        method: 'POST',
        body: JSON.stringify({ text: 'in 3 days', to }),
      });
    expect(await (await ask('fr')).json()).toEqual([{ translationText: 'dans 3 jours' }]);
    const refused = await ask('xx');
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code: 'OPTION_INVALID' });
  } finally {
    server.kill();
  }
});

/** Starts what Next.js has built, on a port that is free. */
async function startNext(folder: string): Promise<{ server: ChildProcess; url: string }> {
  const next = path.join(folder, 'node_modules/next/dist/bin/next');
  const server = spawn(process.execPath, [next, 'start', '--port', '0'], { cwd: folder });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    server.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
      const [found] = /http:\/\/localhost:\d+/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    server.once('exit', () => reject(new Error(`next start ended:\n${output}`)));
  });
  return { server, url };
}
