// The demo page as it is published: built, served below a path of its own under a strict content
// security policy, and used in Chromium.

import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { serve } from './server.ts';
import { watchedPage } from './watched-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const english = 'Saturday, November 21, 2026';
const layers = 2;
const heads = 6;

let browser: Browser;
let server: Server;
let url: string;
let page: Page;
/** What must not happen, as it was reported: errors in the console, uncaught ones, violations. */
let complaints: string[];

beforeAll(async () => {
  await build({ root: path.join(root, 'demo'), logLevel: 'warn' });
  ({ server, url } = await serve(path.join(root, 'dist-demo')));
  browser = await chromium.launch(chromiumLaunchOptions());
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(() => {
  complaints = [];
});

afterEach(async () => {
  await page?.context().close();
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

/** Opens the page. `before` runs in it before its own scripts. */
async function open(before?: () => void, options: BrowserContextOptions = {}): Promise<void> {
  ({ page, complaints } = await watchedPage(browser, { ...options, before }));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(url);
}

const output = (): ReturnType<Page['locator']> => page.locator('#translation');
const weight = /^target «(.+)» attends to source «(.+)»: ([01]\.\d{3})$/;

/** Waits until the page says so, but no longer than until it reports a problem. */
async function waitForStatus(text: RegExp): Promise<void> {
  const problem = page.locator('#problem:not([hidden])');
  await page.locator('#status', { hasText: text }).or(problem).waitFor();
  if (await problem.isVisible()) throw new Error(`The page: ${await problem.textContent()}`);
}

/** Waits until a translation and its attention are there. */
async function finished(text: string | RegExp, status = /^Done\.$/): Promise<void> {
  await waitForStatus(status);
  expect(await page.locator('#attention').getAttribute('aria-busy')).toBe('false');
  const translation = await output().textContent();
  if (text instanceof RegExp) expect(translation).toMatch(text);
  else expect(translation).toBe(text);
}

async function translate(text: string, to: string): Promise<void> {
  await page.getByLabel('Phrase').fill(text);
  await page.getByLabel('Translate to').selectOption(to);
  await page.getByLabel('Phrase').press('Enter');
  await waitForStatus(/^Done\.$/);
}

/** The readout taken apart: the tokens and the weight it names. */
async function readout(): Promise<{ target: string; source: string; weight: number }> {
  const text = (await page.locator('#readout').textContent()) ?? '';
  expect(text).toMatch(weight);
  const [, target = '', source = '', value = ''] = weight.exec(text) ?? [];
  return { target, source, weight: Number(value) };
}

/** The brightness of each pixel of each canvas, 0 to 765. */
function brightness(selector: string): Promise<number[][]> {
  return page.locator(selector).evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext('2d')!;
      const { data } = context.getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, i) =>
        data.subarray(4 * i, 4 * i + 3).reduce((sum, part) => sum + part, 0),
      );
    }),
  );
}

/** Different colors in the cells of the large map. */
function distinctColors(): Promise<number> {
  return page.locator('#map').evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const context = (canvas as HTMLCanvasElement).getContext('2d')!;
    const { data } = context.getImageData(width / 4, height / 4, width / 2, height / 2);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}

/** The cross-attention of a translation, computed by the library in Node. */
async function expectedAttention(text: string, to: string) {
  using translator = await pipeline('translation', path.join(root, 'models/phrases'));
  const { model, tokenizer } = translator;
  const source = translator.encode(text, { to });
  const { sequences } = await model.generate({ inputIds: [source] });
  const [sequence = []] = sequences;
  const { crossAttentions } = await model.forward(
    { inputIds: [source], decoderInputIds: [sequence.slice(0, -1)] },
    { attentions: true },
  );
  return {
    source: tokenizer.tokens(source),
    target: tokenizer.tokens(sequence.slice(1)),
    layers: crossAttentions!,
  };
}

/** The text after each token of a translation, the end token left out. */
async function textsOf(text: string, to: string): Promise<string[]> {
  const { target } = await expectedAttention(text, to);
  return target.slice(0, -1).map((_, i) => target.slice(0, i + 1).join(''));
}

test('translates, into several languages, under the policy of the page itself', async () => {
  await open();
  await translate(english, 'fr');
  await finished('samedi 21 novembre 2026');
  await translate(english, 'de');
  await finished('Samstag, 21. November 2026');
  await translate('3 kilometers per hour', 'ja');
  await finished('時速 3 キロメートル');
  await translate('2026年11月21日星期六', 'en');
  await finished(english);

  expect(await page.locator('#fact-adapter').textContent()).toMatch(
    /.+ \((software|gpu) kernels\)/,
  );
  expect(await page.locator('#fact-model').textContent()).toBe(
    `${layers} + ${layers} layers, ${heads} heads, width 192, 4.3 MB`,
  );
  const { target } = await expectedAttention('2026年11月21日星期六', 'en');
  expect(await page.locator('#fact-tokens').textContent()).toBe(String(target.length));
  expect(await page.locator('#fact-speed').textContent()).toMatch(/^\d+ tokens\/s$/);
  for (const name of ['first', 'attention-time', 'load']) {
    expect(await page.locator(`#fact-${name}`).textContent()).toMatch(/^\d+(\.\d+)? m?s$/);
  }

  const html = await readFile(path.join(root, 'dist-demo/index.html'), 'utf8');
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
});

test('streams the text out token by token', async () => {
  await open(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    document.addEventListener('DOMContentLoaded', () => {
      const text = document.querySelector('#translation')!;
      new MutationObserver(() => seen.push(text.textContent)).observe(text, { childList: true });
    });
  });
  await finished(/./);
  await page.evaluate(() => void (globalThis as unknown as { seen: string[] }).seen.splice(0));
  await translate(english, 'de');
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
  const texts = await textsOf(english, 'de');
  expect(texts.length).toBeGreaterThan(9);
  expect(texts.at(-1)).toBe('Samstag, 21. November 2026');
  for (const text of texts) expect(seen).toContain(text);
});

test('draws every head, and reads the true weights by pointer and by keyboard', async () => {
  await open();
  await translate(english, 'fr');
  await finished('samedi 21 novembre 2026');
  const { source, target, layers: truth } = await expectedAttention(english, 'fr');

  const buttons = page.getByRole('button', { name: /^Layer \d+, head \d+$/ });
  expect(await buttons.count()).toBe(layers * heads);
  // The small maps have one pixel a weight: the larger the weight, the darker.
  const drawn = await brightness('#overview canvas');
  expect(drawn.length).toBe(layers * heads);
  const size = target.length * source.length;
  for (const [i, pixels] of drawn.entries()) {
    const first = (i % heads) * size;
    const weights = truth[Math.floor(i / heads)]!.data.subarray(first, first + size);
    expect(pixels.length).toBe(size);
    const order = [...weights.keys()].toSorted((a, b) => weights[a]! - weights[b]!);
    const sorted = order.map((at) => pixels[at]!);
    for (let at = 1; at < size; at++) expect(sorted[at]! - sorted[at - 1]!).toBeLessThanOrEqual(6);
    expect(sorted[0]! - sorted.at(-1)!).toBeGreaterThan(200);
  }

  const map = page.locator('#map');
  const shown = (token: string): string => token.replaceAll(' ', '␣');
  for (const [layer, head] of [
    [0, 2],
    [1, 5],
  ] as const) {
    const name = `Layer ${layer + 1}, head ${head + 1}`;
    await page.getByRole('button', { name }).click();
    expect(
      await buttons.and(page.locator('[aria-pressed="true"]')).getAttribute('aria-label'),
    ).toBe(name);
    expect(await distinctColors()).toBeGreaterThan(10);

    // By keyboard through a whole row: the true weights, which add up to 1.
    const row = 9;
    await map.focus();
    await map.press('Control+Home');
    for (let i = 0; i < row; i++) await map.press('ArrowDown');
    let sum = 0;
    for (let column = 0; column < source.length; column++) {
      const read = await readout();
      const at = (head * target.length + row) * source.length + column;
      expect(read.target).toBe(shown(target[row]!));
      expect(read.source).toBe(shown(source[column]!));
      // Half of the last digit shown, and what two drivers may differ by.
      expect(Math.abs(read.weight - truth[layer]!.data[at]!)).toBeLessThan(0.0006);
      sum += read.weight;
      await map.press('ArrowRight');
    }
    expect(Math.abs(sum - 1)).toBeLessThan(0.0005 * source.length);
    await map.blur();
    expect(await page.locator('#readout').textContent()).not.toMatch(weight);
  }

  // By pointer: the cell in the map's right lower corner belongs to the two end tokens.
  const box = (await map.boundingBox())!;
  await map.hover({ position: { x: box.width - 10, y: box.height - 10 } });
  const corner = await readout();
  expect(corner).toMatchObject({ target: '</s>', source: '</s>' });
  expect(await page.locator('#tip').textContent()).toBe(corner.weight.toFixed(3));
  await page.getByLabel('Phrase').hover();
  expect(await page.locator('#tip').isVisible()).toBe(false);
});

test('stops on demand, and draws what there is', async () => {
  await open();
  await finished(/./);
  await page.evaluate(() => {
    const text = document.querySelector('#translation')!;
    const stop = document.querySelector<HTMLButtonElement>('#stop')!;
    new MutationObserver(() => {
      if (text.textContent.length >= 9) stop.click();
    }).observe(text, { childList: true });
  });
  await page.getByLabel('Phrase').fill(english);
  await page.getByRole('button', { name: 'Translate' }).click();
  const texts = await textsOf(english, 'fr');
  const stopped = texts.findIndex(({ length }) => length >= 9);
  await finished(texts[stopped]!, /^Stopped\.$/);
  expect(await page.locator('#fact-tokens').textContent()).toBe(String(stopped + 1));
  expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);
});

test('offers examples that it translates right away', async () => {
  await open();
  await finished(/./);
  const examples = page.locator('#examples button');
  expect(await examples.count()).toBe(56);
  await page.getByRole('button', { name: 'dans 3 semaines' }).click();
  // French was the target language: another one is picked.
  await page.locator('#translation', { hasText: /^in 3 weeks$/ }).waitFor();
  await page.getByLabel('Translate to').selectOption('de');
  await page.locator('#translation', { hasText: /^in 3 Wochen$/ }).waitFor();
  await waitForStatus(/^Done\.$/);
});

test('offers eight languages, and says what it can translate, by keyboard', async () => {
  await open();
  await finished(/./);
  const options = await page.getByLabel('Translate to').locator('option').allTextContents();
  expect(options).toHaveLength(8);
  expect(options).toContain('Japanese · 日本語');
  const summary = page.locator('#field summary');
  const text = page.locator('#field p').first();
  expect(await text.isVisible()).toBe(false);
  await summary.focus();
  await summary.press('Enter');
  expect(await text.isVisible()).toBe(true);
  expect(await page.locator('#field').textContent()).toMatch(/years 1 to 9999.*none\s+of\s+this/s);
  // On to an example by keyboard alone.
  await page.keyboard.press('Tab');
  for (let i = 0; i < 4; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.getByLabel('Phrase').inputValue()).toBe('42 kilometers per hour');
  await page.locator('#translation', { hasText: /^42 kilomètres par heure$/ }).waitFor();
  await waitForStatus(/^Done\.$/);
});

test('marks what is outside of the field, and names characters that the model does not know', async () => {
  await open();
  await translate('The cat sleeps on the sofa', 'fr');
  await waitForStatus(/^Done\.$/);
  expect(await page.locator('#doubt').textContent()).toMatch(
    /^The model takes this for none of its phrases: /,
  );
  await translate('in 3 weeks ≥', 'fr');
  expect(await page.locator('#doubt').textContent()).toContain('«≥»');
  await translate('in 3 weeks', 'fr');
  await finished('dans 3 semaines');
  expect(await page.locator('#doubt').isVisible()).toBe(false);
});

test('says what is missing without WebGPU, and stays usable', async () => {
  await open(() => {
    Reflect.deleteProperty(Navigator.prototype, 'gpu');
  });
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toMatch(/WebGPU is missing.*navigator\.gpu.*Use a current/);
  await page.getByRole('button', { name: 'in 3 weeks', exact: true }).click();
  await problem.waitFor();
  expect(await page.getByLabel('Phrase').inputValue()).toBe('in 3 weeks');
  expect(await page.getByRole('button', { name: 'Translate' }).isEnabled()).toBe(true);
  expect(await page.getByLabel('Translate to').locator('option').allTextContents()).toContain(
    'German · Deutsch',
  );
});

test('says so when WebGPU offers no adapter', async () => {
  await open(() => {
    GPU.prototype.requestAdapter = () => Promise.resolve(null);
  });
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toContain('it offers no adapter');
});

test('loads anew after the device was lost', async () => {
  await open(() => {
    type Request = (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) => Promise<GPUDevice>;
    const request: Request = Reflect.get(GPUAdapter.prototype, 'requestDevice');
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await request.call(this, descriptor);
      return Object.assign(globalThis, { device }).device;
    };
  });
  await finished(/./);
  await page.evaluate(async () => {
    const { device } = globalThis as unknown as { device: GPUDevice };
    device.destroy();
    await device.lost;
  });
  await page.getByRole('button', { name: 'Translate' }).click();
  const problem = page.getByRole('alert');
  await problem.waitFor();
  expect(await problem.textContent()).toContain('The GPU is gone');
  await translate(english, 'de');
  await finished('Samstag, 21. November 2026');
  expect(await problem.isVisible()).toBe(false);
});

test('fits a narrow screen', async () => {
  await open(undefined, { viewport: { width: 360, height: 740 } });
  await finished(/./);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
  // The map is wider than the screen and scrolls to the cell that is read.
  const map = page.locator('#map');
  await map.focus();
  await map.press('End');
  expect((await readout()).source).toBe('</s>');
  const place = await page.locator('.frame').evaluate((frame) => ({
    scrolled: frame.scrollLeft + frame.clientWidth,
    width: frame.scrollWidth,
  }));
  expect(place.scrolled).toBe(place.width);
});
