// The examples, each installed from the packed package and used as its README says: scripts by Node, pages built
// and in Chromium.
import { cp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { serve } from '../demo/server.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { root, taskFolder } from '../support/cli.ts';
import { installExample, readManifest } from './consumer.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const folders = await readdir(path.join(root, 'examples'), { withFileTypes: true });
const examples = folders
  .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  .map(({ name }) => name);

test.each(examples)('%s asks for versions that it is tried with', async (name) => {
  const manifestOf = (folder: string) => readManifest(path.join(root, folder, 'package.json'));
  const tried = await Promise.all(['', 'examples'].map(manifestOf));
  const { version } = await manifestOf('');
  const { dependencies, devDependencies } = await manifestOf(`examples/${name}`);
  const untried = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([wanted, range]) =>
      !(wanted === 'webgpu-transformer' && range === `^${version}`) &&
      tried.every((own) => own.devDependencies?.[wanted] !== range),
  );
  expect(untried).toEqual([]);
});

describe('in Node', () => {
  const fixtures = path.join(root, 'test/fixtures');

  test('node-script', async () => {
    const { node } = await installExample('node-script');
    const { code, output } = await node('translate.js', '--to', 'fr', 'in 3 days', '2 weeks ago');
    expect(output).toContain('dans 3 jours\nil y a 2 semaines\n');
    expect(code).toBe(0);
    const wrong = await node('translate.js', '--to', 'xx', 'in 3 days');
    expect(wrong.output).toContain('wanted one of de, en');
    expect(wrong.code).toBe(1);
  });

  test('search', async () => {
    const { node, write } = await installExample('search');
    await write({
      'notes/film.md': '# A film\n\nThe film was good!\n',
      'notes/lives/marie.txt': 'Marie Curie was born in Warsaw.\n',
    });
    const model = ['--model', await taskFolder('bert/features')];
    const { code, output } = await node('search.js', 'notes', 'The film was good!', ...model);
    expect(output).toContain('3 passages.');
    expect(output).toMatch(/1\.000 film\.md\nThe film was good!\n\n0\.\d{3} /);
    expect(output).toMatch(/lives.marie\.txt\nMarie Curie was born in Warsaw\./);
    expect(code).toBe(0);
    await write({ 'empty/picture.svg': '<svg/>' });
    expect((await node('search.js', 'empty', 'Who?', ...model)).output).toContain('no text in');
  });

  test('subtitles', async () => {
    const { node } = await installExample('subtitles');
    const model = ['--model', path.join(fixtures, 'whisper_task')];
    const sound = path.join(fixtures, 'whisper_task/one.wav');
    const { code, output } = await node('subtitles.js', sound, ...model);
    expect(output).toMatch(/^1\n00:00:00,000 --> 00:00:00,500\n\S.*\n\n2\n00:00:00,500 --> /m);
    expect(code).toBe(0);
    const web = await node('subtitles.js', sound, '--vtt', ...model);
    expect(web.output).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:00\.500\n\S/m);
    const missing = await node('subtitles.js', 'none.wav', ...model);
    expect(missing.output).toMatch(/none\.wav .*found nothing/);
    expect(missing.code).toBe(1);
  });
});

describe('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch(chromiumLaunchOptions());
  });
  afterAll(() => browser?.close());

  /** Builds an example as its package.json says, and opens it, served with these folders beside it. */
  async function opened(
    name: string,
    { beside = {}, query = '' }: { beside?: Readonly<Record<string, string>>; query?: string } = {},
  ): Promise<{ page: Page; url: string }> {
    const { folder, script } = await installExample(name);
    await script('build');
    for (const [at, from] of Object.entries(beside)) {
      await cp(from, path.join(folder, 'dist', at), { recursive: true });
    }
    const server = await preview({ root: folder, logLevel: 'error', preview: { port: 0 } });
    afterAll(() => server.close());
    const url = server.resolvedUrls?.local[0] ?? '';
    const page = await browser.newPage();
    page.setDefaultTimeout(240_000);
    await page.goto(url + query);
    return { page, url };
  }

  test('plain-html', async () => {
    const { folder } = await installExample('plain-html');
    const { server, url } = await serve(folder, { policy: '' });
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole('button').click({ timeout: 120_000 });
    const shown = page.getByText('in 3 Tagen');
    await shown.waitFor({ timeout: 120_000 });
    expect(await shown.count()).toBe(1);
    server.close();
  });

  test('vite-typescript', async () => {
    const { page, url } = await opened('vite-typescript');
    await page.getByLabel('to').selectOption('fr');
    await page.getByRole('button').click();
    await page.getByText('dans 3 jours').waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
    await page.route('**/models/**', (route) => route.fulfill({ status: 404 }));
    await page.goto(url);
    await page.getByText('models/phrases').waitFor();
    expect(await page.getByRole('button').isDisabled()).toBe(true);
  });

  test('chat', async () => {
    const model = await taskFolder('gpt2');
    const { page } = await opened('chat', { beside: { tiny: model }, query: '?model=/tiny' });
    await page.getByLabel('Message').fill('Marie Curie');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.locator('.assistant');
    await page.waitForFunction(
      () => !document.querySelector<HTMLButtonElement>('[name=send]')?.disabled,
    );
    using chat = await pipeline('text-generation', model, { dtype: 'f16' });
    const said = await chat([{ role: 'user', content: 'Marie Curie' }], { returnFullText: false });
    expect(await answer.textContent()).toBe(said[0]?.generatedText);
    expect(await page.getByRole('alert').textContent()).toBe('');
  });

  test('fine-tune', async () => {
    const { page } = await opened('fine-tune');
    await page.getByRole('button', { name: 'Train' }).click();
    await page.getByText(/^Step \d+: loss 0\.0\d\d, saved$/).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Translate' }).click();
    await page.getByText('in drei Tagen', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Forget' }).click();
    await page.getByRole('button', { name: 'Translate' }).click();
    await page.getByText('in 3 Tagen', { exact: true }).waitFor();
    expect(await page.getByRole('alert').textContent()).toBe('');
  });
});
