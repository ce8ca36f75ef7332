// The page that sees, as it is published: built, served below a path of its own under a strict content security
// policy, and used in Chromium with a real pointer.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { loadModel, pipeline } from 'webgpu-transformer';
import { type Digits, pictureOf, side, unpackDigits } from '../../demo/digits/digits.ts';
import { pixelValues } from '../../demo/digits/pixel-values.ts';
import { heldOut } from '../../demo/digits/share.ts';
import { headWeights, rolloutWeights } from '../../demo/see/rollout.ts';
import { png } from '../../src/cli/image/png.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { drop } from './drop.ts';
import { strokesOf } from './handwriting.ts';
import { savedModel } from './saved-model.ts';
import { serve } from './server.ts';
import { watchedPage } from './watched-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const layers = 4;
const heads = 4;
const patches = 49;

vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let browser: Browser;
let server: Server;
let url: string;
let page: Page;
/** What must not happen, as it was reported: errors in the console, uncaught ones, violations. */
let complaints: string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'seeing-page-'));
  await build({ root: path.join(root, 'demo'), logLevel: 'warn', build: { outDir: folder } });
  ({ server, url } = await serve(folder));
  browser = await chromium.launch(chromiumLaunchOptions());
});

afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  complaints = [];
});

afterEach(async () => {
  await page?.context().close();
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

/** `onlyOwnPolicy` leaves the server's policy out, so that the page's own alone counts. */
async function open(
  options: BrowserContextOptions = {},
  before?: () => void,
  { onlyOwnPolicy = false } = {},
): Promise<void> {
  ({ page, complaints } = await watchedPage(browser, {
    ...options,
    before,
    onlyOwnPolicyOf: onlyOwnPolicy ? /see\.html$/ : undefined,
  }));
  page.setDefaultTimeout(240_000);
  await page.goto(`${url}see.html`);
  await page.locator('#examples button').nth(9).waitFor();
}

/** Draws a digit with the mouse. */
async function draw(digit: number): Promise<void> {
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const box = (await page.locator('#pad').boundingBox())!;
  for (const stroke of strokesOf(digit)) {
    for (const [i, { x, y }] of stroke.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 3 });
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}

/** Waits until the page takes what is on the pad for this. */
async function expectAnswer(digit: number): Promise<void> {
  await page.locator('#verdict', { hasText: new RegExp(`^${digit} · \\d+ %$`) }).waitFor();
  expect(await page.locator('#problem').isVisible()).toBe(false);
  const shares = await page.locator('#scores .value').allTextContents();
  expect(shares.length).toBe(10);
  const best = page.locator('#scores .best .label');
  expect(await best.textContent()).toBe(String(digit));
}

async function heldOutDigits(): Promise<Digits> {
  const file = await readFile(path.join(root, 'demo/digits/digits.bin'));
  return heldOut(unpackDigits(gunzipSync(file)));
}

const readout = async (): Promise<string> => (await page.locator('#readout').textContent()) ?? '';

test('reads digits that are drawn with the mouse', async () => {
  await open();
  expect(await page.locator('#verdict').textContent()).toBe('Draw a digit.');
  for (let digit = 0; digit < 10; digit++) {
    await draw(digit);
    await expectAnswer(digit);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await page.locator('#verdict').textContent()).toBe('Draw a digit.');
    expect(await page.locator('#map').isVisible()).toBe(false);
  }
  expect(await page.locator('#fact-model').textContent()).toBe('4 layers, 4 heads, width 64');
  expect(await page.locator('#fact-adapter').textContent()).toMatch(
    /.+ \((software|gpu) kernels\)/,
  );
  for (const name of ['time', 'load']) {
    expect(await page.locator(`#fact-${name}`).textContent()).toMatch(/^\d+(\.\d+)? m?s$/);
  }
  const html = await readFile(path.join(folder, 'see.html'), 'utf8');
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
});

test('reads a digit drawn with a finger, while it is drawn', async () => {
  await open({ hasTouch: true, viewport: { width: 390, height: 844 } }, () => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    document.addEventListener('DOMContentLoaded', () => {
      const text = document.querySelector('#verdict')!;
      new MutationObserver(() => seen.push(text.textContent)).observe(text, { childList: true });
    });
  });
  const session = await page.context().newCDPSession(page);
  const box = (await page.locator('#pad').boundingBox())!;
  const [stroke = []] = strokesOf(3);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at?: { x: number; y: number }) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: at ? [{ x: box.x + at.x * box.width, y: box.y + at.y * box.height }] : [],
    });
  for (const [i, at] of stroke.entries()) {
    await touch(i === 0 ? 'touchStart' : 'touchMove', at);
    // The first picture loads the model.
    if (i === 0) await page.locator('#verdict', { hasText: '·' }).waitFor();
    await page.waitForTimeout(60);
  }
  await touch('touchEnd');
  await expectAnswer(3);
  expect(await page.evaluate(() => scrollY)).toBe(0);
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
  expect(seen.length).toBeGreaterThan(3);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});

test('shows the true weights of every head, every layer and the rollout, by keyboard and pointer', async () => {
  await open({ colorScheme: 'dark' });
  const digits = await heldOutDigits();
  // An example, by keyboard alone.
  const example = page.getByRole('button', { name: 'Handwritten 6', exact: true });
  await example.focus();
  await page.keyboard.press('Enter');
  await expectAnswer(6);
  const picture = Float32Array.from(pictureOf(digits, 300), (byte) => byte / 255);
  using model = await loadModel(path.join(root, 'models/digits'));
  const { attentions = [] } = await model.forward(
    { pixelValues: pixelValues([picture]) },
    { attentions: true },
  );
  const buttons = page.locator('#attention .all button');
  expect(await buttons.count()).toBe(1 + layers * (1 + heads));
  const map = page.locator('#map');
  for (const [name, weights] of [
    ['Attention rollout', rolloutWeights(attentions, patches)],
    ['Layer 1, head 2', headWeights(attentions[0]!, 1, patches)],
    ['Layer 4, head 4', headWeights(attentions[3]!, 3, patches)],
  ] as const) {
    await page.getByRole('button', { name, exact: true }).click();
    const chosen = buttons.and(page.locator('[aria-pressed="true"]'));
    expect(await chosen.getAttribute('aria-label')).toBe(name);
    await map.focus();
    await map.press('Control+Home');
    for (let row = 0; row < 7; row++) {
      for (let column = 0; column < 7; column++) {
        const [, place, value] = /^(.+): ([01]\.\d{3})$/.exec(await readout()) ?? [];
        expect(place).toBe(`Row ${row + 1}, column ${column + 1}`);
        // Half of the last digit shown, and what two drivers may differ by.
        expect(Math.abs(Number(value) - weights[row * 7 + column]!)).toBeLessThan(0.0006);
        await map.press('ArrowRight');
      }
      await map.press('Home');
      await map.press('ArrowDown');
    }
    await map.blur();
    expect(await readout()).toMatch(/^Point at a patch/);
  }
  const box = (await map.boundingBox())!;
  await map.hover({ position: { x: box.width - 5, y: box.height - 5 } });
  expect(await readout()).toMatch(/^Row 7, column 7: /);

  // Other digits, and each of them read.
  await page.getByRole('button', { name: 'Others' }).click();
  await page.getByRole('button', { name: 'Handwritten 0', exact: true }).click();
  await expectAnswer(0);
});

test('reads a picture that is chosen, and tells what is none', async () => {
  await open();
  const digits = await heldOutDigits();
  const input = page.locator('#file');
  const buffer = scanOf(pictureOf(digits, 400), 8);
  await input.setInputFiles({ name: 'eight.png', mimeType: 'image/png', buffer });
  await expectAnswer(8);
  const text = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
  await input.setInputFiles(text);
  const problem = page.getByRole('alert').first();
  await problem.waitFor();
  expect(await problem.textContent()).toContain('notes.png is no picture');
  await draw(1);
  await expectAnswer(1);
  expect(await problem.isVisible()).toBe(false);
});

/** A digit as a scan: dark on light, each pixel several times as large. */
function scanOf(picture: Uint8Array, scale: number): Buffer {
  const size = side * scale;
  const data = Uint8Array.from({ length: size * size }, (_, i) => {
    const [y, x] = [Math.floor(i / size / scale), Math.floor((i % size) / scale)];
    return 240 - Math.round(0.8 * picture[y * side + x]!);
  });
  return png({ data, width: size, height: size, channels: 1 });
}

test('trains in a worker, tries digits held out, and reads with what it has learned', async () => {
  await open();
  await page.getByRole('button', { name: 'Handwritten 7', exact: true }).click();
  await expectAnswer(7);
  expect(await page.getByRole('radio', { name: /^Yours/ }).isDisabled()).toBe(true);
  await page.getByLabel('Size').selectOption('tiny');
  await page.getByRole('button', { name: 'Start' }).click();
  const accuracy = page.locator('#fact-accuracy', { hasText: /^\d+\.\d %, \d+ of 500$/ });
  await accuracy.waitFor();
  expect(page.workers().length).toBe(1);
  const own = page.getByLabel('Yours, after step 0');
  await own.waitFor();
  expect(await own.isChecked()).toBe(true);
  await page.locator('#fact-model', { hasText: '2 layers, 4 heads, width 32' }).waitFor();
  const untrained = await page.locator('#scores').textContent();
  const wrong = await page.locator('#mistakes li').allTextContents();
  expect(wrong.length).toBe(40);
  for (const text of wrong) expect(text).toMatch(/^\d → \da \d read as \d$/);

  await page
    .locator('#run-status', { hasText: /step 50, \d+\.\d % of the digits held out/ })
    .waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.locator('#run-status', { hasText: /^Paused after step \d+\.$/ }).waitFor();
  expect(await page.locator('#fact-step').textContent()).toMatch(/^\d+ of 3000$/);
  const loss = Number(await page.locator('#fact-loss').textContent());
  expect(loss).toBeGreaterThan(0.5);
  expect(loss).toBeLessThan(3.5);
  await page.getByLabel('Yours, after step 50').waitFor();
  await page.waitForFunction(
    (before) => document.querySelector('#scores')!.textContent !== before,
    untrained,
  );
  await page.getByLabel('The model of this page').check();
  await expectAnswer(7);

  // What is saved is a checkpoint that the library reads.
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('#saved', { hasText: /The model as it was after step \d+:/ }).waitFor();
  const files = await savedModel(page);
  expect([...files.keys()].toSorted()).toEqual([
    'config.json',
    'model.safetensors',
    'preprocessor_config.json',
  ]);
  using model = await loadModel({ read: async (name) => files.get(name) });
  const { logits } = await model.forward({
    pixelValues: pixelValues([new Float32Array(side * side)]),
  });
  expect(logits?.shape).toEqual([1, 10]);

  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator('#run-status', { hasText: /^Stopped\.$/ }).waitFor();
  expect(await page.locator('#fact-memory').textContent()).toBe('0 bytes');
  await expect.poll(() => page.workers().length).toBe(0);
});

/** The tiny ViT of the fixtures, with what prepares its pictures. */
async function classifierFolder(): Promise<string> {
  const target = await mkdtemp(path.join(tmpdir(), 'classifier-'));
  await cp(path.join(root, 'test/fixtures/vit'), target, { recursive: true });
  const processor = {
    image_processor_type: 'ViTImageProcessor',
    size: { height: 24, width: 24 },
    image_mean: [0.5, 0.4, 0.3],
    image_std: [0.3, 0.2, 0.1],
  };
  await writeFile(path.join(target, 'preprocessor_config.json'), JSON.stringify(processor));
  return target;
}

test('classifies photographs with a model from a folder, as the library does in Node', async () => {
  const model = await classifierFolder();
  const buffer = scanOf(pictureOf(await heldOutDigits(), 120), 3);
  using classify = await pipeline('image-classification', model);
  const expected = await classify(buffer, { topK: null });

  await open();
  await drop(page, model);
  const radio = page.getByLabel('Photographs: vit, 24 pixels');
  await radio.waitFor();
  expect(await radio.isChecked()).toBe(true);
  await page.locator('#file').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer });
  await page.locator('#verdict', { hasText: expected[0]!.label }).waitFor();
  expect(await page.locator('#scores .label').allTextContents()).toEqual(
    expected.map(({ label }) => label),
  );
  const shares = await page.locator('#scores .value').allTextContents();
  for (const [i, share] of shares.entries()) {
    expect(Math.abs(Number(share.replace(/[<%]/g, '')) - 100 * expected[i]!.score)).toBeLessThan(1);
  }
  // 9 patches; 2 layers of 4 heads.
  expect(await page.locator('#attention .all button').count()).toBe(1 + 2 * (1 + 4));
  await page.locator('#map').focus();
  await page.locator('#map').press('Control+End');
  expect(await readout()).toMatch(/^Row 3, column 3: [01]\.\d{3}$/);
  // The digit is read by the other model as well.
  await page.getByLabel('The model of this page').check();
  await expectAnswer(2);
  await rm(model, { recursive: true });
});

test('loads a model from Hugging Face, and tells what is not there', async () => {
  const model = await classifierFolder();
  await open({}, undefined, { onlyOwnPolicy: true });
  await page.route('https://huggingface.co/**', async (route) => {
    const name = route.request().url().split('/').pop() ?? '';
    const body = await readFile(path.join(model, name)).catch(() => undefined);
    const headers = { 'Access-Control-Allow-Origin': '*' };
    if (body === undefined) await route.fulfill({ status: 404, headers });
    else await route.fulfill({ body, headers });
  });
  await page.getByLabel('Address').fill('hf:someone/something');
  await page.getByRole('button', { name: 'Load' }).click();
  await page.getByLabel('Photographs: vit, 24 pixels').waitFor();
  await draw(3);
  await page.locator('#verdict', { hasText: /^LABEL_\d · \d+ %$/ }).waitFor();

  await rm(model, { recursive: true });
  await page.getByLabel('Address').fill('hf:someone/nothing');
  await page.getByRole('button', { name: 'Load' }).click();
  const problem = page.getByRole('alert').first();
  await problem.waitFor();
  expect(await problem.textContent()).toContain('config.json');
  complaints = complaints.filter((text) => !text.includes('404'));
});

test('says what is missing without WebGPU, and stays usable', async () => {
  await open({}, () => {
    Reflect.deleteProperty(Navigator.prototype, 'gpu');
  });
  await draw(2);
  const problem = page.getByRole('alert').first();
  await problem.waitFor();
  expect(await problem.textContent()).toMatch(/WebGPU is missing.*navigator\.gpu.*Use a current/);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Others' }).click();
  expect(await page.locator('#examples button').count()).toBe(10);
});

test('says so when the model is not there, and reads once it is', async () => {
  await open();
  const file = /digits\/model\.safetensors$/;
  await page.route(file, (route) => route.fulfill({ status: 503 }));
  await draw(2);
  const problem = page.getByRole('alert').first();
  await problem.waitFor();
  expect(await problem.textContent()).toContain('model.safetensors did not come: HTTP status 503');
  complaints = complaints.filter((text) => !text.includes('503'));
  await page.unroute(file);
  await page.getByRole('button', { name: 'Clear' }).click();
  await draw(2);
  await expectAnswer(2);
});

test('loads anew after the device was lost', async () => {
  await open({}, () => {
    type Request = (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) => Promise<GPUDevice>;
    const request: Request = Reflect.get(GPUAdapter.prototype, 'requestDevice');
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await request.call(this, descriptor);
      return Object.assign(globalThis, { device }).device;
    };
  });
  await draw(4);
  await expectAnswer(4);
  await page.evaluate(async () => {
    const { device } = globalThis as unknown as { device: GPUDevice };
    device.destroy();
    await device.lost;
  });
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Handwritten 3', exact: true }).click();
  const problem = page.getByRole('alert').first();
  await problem.waitFor();
  expect(await problem.textContent()).toContain('The GPU is gone');
  await page.getByRole('button', { name: 'Handwritten 3', exact: true }).click();
  await expectAnswer(3);
});
