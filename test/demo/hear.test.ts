// The page that hears, as it is published: built, served below a path of its own under a strict content security
// policy, and used in Chromium, whose microphone beeps.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { pipeline, readAudio } from 'webgpu-transformer';
import { Listener, type Passage, type Stretch } from '../../demo/hear/listener.ts';
import { type Choices, Recognizer } from '../../demo/hear/recognizer.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { pcm16, wavFile } from '../support/wav.ts';
import { drop } from './drop.ts';
import { serve } from './server.ts';
import { watchedPage } from './watched-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const whisper = path.join(root, 'test/fixtures/whisper_task');
const anyLanguage: Choices = { language: undefined, task: 'transcribe' };
/** The fixture hears a second at once. */
const samplingRate = 16_000;

vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let browser: Browser;
let server: Server;
let url: string;
let page: Page;
/** What must not happen, as it was reported: errors in the console, uncaught ones, violations. */
let complaints: string[];

const fakeDevice = '--use-fake-device-for-media-stream';
const fakeUi = '--use-fake-ui-for-media-stream';

function launch(...flags: readonly string[]): Promise<Browser> {
  const options = chromiumLaunchOptions();
  return chromium.launch({ ...options, args: [...(options.args ?? []), ...flags] });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hearing-page-'));
  await build({ root: path.join(root, 'demo'), logLevel: 'warn', build: { outDir: folder } });
  ({ server, url } = await serve(folder));
  browser = await launch(fakeDevice, fakeUi);
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

interface Opening extends BrowserContextOptions {
  readonly inBrowser?: Browser;
  /** Runs in the page before its own scripts. */
  readonly before?: () => void;
  /** Leaves the server's policy out, so that the page's own alone counts. */
  readonly onlyOwnPolicy?: boolean;
}

async function open({ inBrowser = browser, before, onlyOwnPolicy, ...options }: Opening = {}) {
  ({ page, complaints } = await watchedPage(inBrowser, {
    ...options,
    before,
    onlyOwnPolicyOf: onlyOwnPolicy ? /hear\.html$/ : undefined,
  }));
  page.setDefaultTimeout(240_000);
  await page.goto(`${url}hear.html`);
}

/** Waits until the page says so, but no longer than until it reports a problem. */
async function waitForStatus(text: RegExp): Promise<void> {
  const problem = page.locator('#problem:not([hidden])');
  await page.locator('#status', { hasText: text }).or(problem).waitFor();
  if (await problem.isVisible()) throw new Error(`The page: ${await problem.textContent()}`);
}

async function loadFixture(): Promise<void> {
  await page.locator('#folder').setInputFiles(whisper);
  await waitForStatus(/^Speak, or choose a sound\.$/);
}

async function problemOf(): Promise<string> {
  const problem = page.getByRole('alert');
  await problem.waitFor();
  return (await problem.textContent()) ?? '';
}

const readout = async (): Promise<string> => (await page.locator('#readout').textContent()) ?? '';

/** Words of each passage, as they are shown. */
const shownWords = (): Promise<string[][]> =>
  page
    .locator('#words p')
    .evaluateAll((lines) =>
      lines
        .map((line) => Array.from(line.querySelectorAll('button'), (word) => word.textContent))
        .filter((words) => words.length > 0),
    );

/** A voice that slides, of some seconds; silent where `isSilent` says so. */
function voice(seconds: number, isSilent = (_time: number): boolean => false): Float32Array {
  return Float32Array.from({ length: seconds * samplingRate }, (_, i) => {
    const time = i / samplingRate;
    if (isSilent(time)) return 0;
    const pitch = 2 * Math.PI * (160 * time + 40 * Math.sin(3 * time));
    return 0.3 * Math.sin(pitch) + 0.15 * Math.sin(3.1 * pitch) + 0.1 * Math.sin(9.7 * pitch);
  });
}

function fileOf(samples: Float32Array): { name: string; mimeType: string; buffer: Buffer } {
  const buffer = Buffer.from(wavFile(pcm16([...samples]), { samplingRate }));
  return { name: 'voice.wav', mimeType: 'audio/wav', buffer };
}

/** What the library hears in a file, in Node, as the page asks it. */
async function heardInNode(buffer: Buffer, choices: Choices) {
  const model = await Recognizer.load(whisper, () => {});
  try {
    const data = await readAudio(new Uint8Array(buffer), { samplingRate, gpu: model.gpu });
    const passages: Passage[] = [];
    const listener = new Listener(samplingRate, {
      window: model.window,
      hear: (samples): Promise<readonly Stretch[]> =>
        model.hear({ data: samples, samplingRate }, choices, {
          signal: new AbortController().signal,
          onText: () => {},
        }),
      onText: () => {},
      onPassage: (passage) => passages.push(passage),
    });
    listener.add(data, true);
    await listener.listen();
    const last = passages.at(-1);
    return { passages, look: last && (await model.look(last, choices)) };
  } finally {
    model.dispose();
  }
}

test('writes down a sound, and shows the attention and the time of each word', async () => {
  const file = fileOf(voice(0.9));
  const { look } = await heardInNode(file.buffer, anyLanguage);
  const words = look?.words ?? [];
  expect(words.length).toBeGreaterThan(2);
  using recognize = await pipeline('automatic-speech-recognition', whisper);
  const sound = new Uint8Array(file.buffer);
  const { text, chunks = [] } = await recognize(sound, {
    task: 'transcribe',
    returnLanguage: true,
    returnTimestamps: 'word',
  });

  await open({ colorScheme: 'dark' });
  await loadFixture();
  await page.locator('#file').setInputFiles(file);
  await waitForStatus(/^Done\.$/);
  await page.locator('#readout', { hasText: 'most attention' }).waitFor();
  expect(await shownWords()).toEqual([chunks.map((chunk) => chunk.text.trim())]);
  expect((await page.locator('#words').textContent())?.trim()).toBe(text.trim());
  expect((await page.getByRole('log').textContent())?.trim()).toBe(text.trim());

  // From word to word by keyboard alone.
  const buttons = page.locator('#words button');
  await buttons.first().focus();
  for (const [i, word] of words.entries()) {
    const [start, end] = chunks[i]?.timestamp ?? [];
    expect(await buttons.nth(i).getAttribute('aria-pressed')).toBe('true');
    const [, shown, from, to, at, weight] =
      /^«(.+)» from (.+) s to (.+) s, most attention at (.+) s: (.+)$/.exec(await readout()) ?? [];
    expect(shown).toBe(word.text.trim());
    expect([Number(from), Number(to)]).toEqual([start, end]);
    const most = Math.max(...word.weights);
    // Half of the last digit shown, and what two drivers may differ by.
    expect(Math.abs(Number(weight) - most)).toBeLessThan(0.0006);
    const step = 0.9 / word.weights.length;
    expect(word.weights[Math.floor(Number(at) / step)]).toBeCloseTo(most, 3);
    await page.keyboard.press('ArrowRight');
  }
  await page.keyboard.press('Home');
  expect(await buttons.first().getAttribute('aria-pressed')).toBe('true');
  expect(await page.locator('#words [tabindex="0"]').count()).toBe(1);

  // By pointer: on a word, and on the picture where its last word begins.
  await buttons.nth(1).hover();
  expect(await readout()).toContain(`«${words[1]?.text.trim()}»`);
  const box = await page.locator('#picture').boundingBox();
  await page.locator('#picture').click({ position: { x: (box?.width ?? 0) - 2, y: 20 } });
  expect(await buttons.last().getAttribute('aria-pressed')).toBe('true');

  expect(await page.locator('#fact-time').textContent()).toMatch(/^\d+(\.\d+)? m?s for 0\.9 s$/);
  expect(await page.locator('#fact-factor').textContent()).toMatch(/^\d+\.\d\d$/);
  expect(await page.locator('#fact-model').textContent()).toBe('1 + 2 layers, width 32, 0.2 MB');
  expect(await page.locator('#fact-adapter').textContent()).toMatch(
    /.+ \((software|gpu) kernels\)/,
  );
  const html = await readFile(path.join(folder, 'hear.html'), 'utf8');
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
});

test('hears a long sound window by window, and takes what is dropped on the page', async () => {
  const file = fileOf(voice(2.6, (time) => time > 1.2 && time < 1.6));
  const { passages } = await heardInNode(file.buffer, anyLanguage);
  expect(passages.length).toBeGreaterThan(1);
  await open();
  await drop(page, whisper);
  await waitForStatus(/^Speak, or choose a sound\.$/);
  const target = await mkdtemp(path.join(tmpdir(), 'sound-'));
  await writeFile(path.join(target, file.name), file.buffer);
  await drop(page, path.join(target, file.name));
  await waitForStatus(/^Done\.$/);
  await rm(target, { recursive: true });
  const lines = page.getByRole('log').locator('p');
  expect(await lines.allTextContents()).toEqual(passages.map(({ text }) => text.trim()));

  // A word of the first passage has that one looked at.
  await page.locator('#readout', { hasText: 'most attention' }).waitFor();
  await page.locator('#words p').first().locator('button').first().click();
  await page.locator('#words p').first().locator('[aria-pressed="true"]').waitFor();
  await page.locator('#readout', { hasText: 'most attention' }).waitFor();
  expect(await page.locator('#words [aria-pressed="true"]').count()).toBe(1);
});

test('writes in the languages of the model', async () => {
  const file = fileOf(voice(0.8));
  await open();
  const [language, task] = [page.getByLabel('Spoken language'), page.getByLabel('Write it')];
  expect(await language.isDisabled()).toBe(true);
  await loadFixture();
  expect(await language.locator('option').allTextContents()).toEqual([
    'As it is heard',
    'English',
    'German',
    'Japanese',
  ]);
  for (const choices of [
    { language: 'de', task: 'transcribe' },
    { language: 'ja', task: 'translate' },
  ] as const) {
    await language.selectOption(choices.language);
    await task.selectOption(choices.task);
    await page.locator('#file').setInputFiles(file);
    await waitForStatus(/^Done\.$/);
    const { passages } = await heardInNode(file.buffer, choices);
    expect(await page.getByRole('log').textContent()).toBe(passages[0]?.text.trim());
    const name = choices.language === 'de' ? 'german' : 'japanese';
    expect(await page.locator('#fact-language').textContent()).toBe(name);
  }
});

test('writes while somebody speaks', async () => {
  await open({ viewport: { width: 360, height: 740 } });
  await loadFixture();
  await page.getByRole('button', { name: 'Speak' }).click();
  await waitForStatus(/^Speak\. Stop when you are done\.$/);
  await page.getByRole('log').locator('p').nth(1).waitFor({ state: 'attached' });
  const drawn = await page.locator('#picture').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  });
  expect(drawn).toBe(true);
  await page.getByRole('button', { name: 'Stop' }).click();
  await waitForStatus(/^Done\.$/);
  expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);
  await page.locator('#readout', { hasText: 'most attention' }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});

test('stops where it is, and hears another sound', async () => {
  await open();
  await loadFixture();
  await page.locator('#file').setInputFiles(fileOf(voice(60)));
  await page.getByRole('log').locator('p').first().waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Stop' }).click();
  await waitForStatus(/^Stopped\.$/);
  const count = await page.getByRole('log').locator('p').count();
  expect(count).toBeLessThan(60);
  await page.locator('#file').setInputFiles(fileOf(voice(0.5)));
  await waitForStatus(/^Done\.$/);
  expect(await page.getByRole('log').locator('p').count()).toBe(1);
});

test.each([
  ['is denied', [fakeDevice, `${fakeUi}=deny`], 'may not use the microphone. Allow it'],
  ['is missing', [fakeUi], 'There is no microphone. Connect one'],
])('says so when the microphone %s', async (_, flags, message) => {
  const own = await launch(...flags);
  await open({ inBrowser: own });
  await loadFixture();
  await page.getByRole('button', { name: 'Speak' }).click();
  expect(await problemOf()).toContain(message);
  await page.locator('#file').setInputFiles(fileOf(voice(0.5)));
  await waitForStatus(/^Done\.$/);
  await own.close();
});

/** A model that writes speech down letter by letter. */
async function spellingModel(): Promise<string> {
  const target = await mkdtemp(path.join(tmpdir(), 'spelling-'));
  await cp(path.join(root, 'test/fixtures/variants/wav2vec2_ctc'), target, { recursive: true });
  const tokens = ['<pad>', '<s>', '</s>', '<unk>', '|', ...'ABCDEF'.split('')];
  const files = {
    'preprocessor_config.json': {
      feature_extractor_type: 'Wav2Vec2FeatureExtractor',
      sampling_rate: samplingRate,
    },
    'tokenizer_config.json': { tokenizer_class: 'Wav2Vec2CTCTokenizer' },
    'vocab.json': Object.fromEntries(tokens.map((token, id) => [token, id])),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(target, name), JSON.stringify(content));
  }
  return target;
}

test('tells what is no Whisper, and what is no sound', async () => {
  await open();
  await page.locator('#folder').setInputFiles(path.join(root, 'test/fixtures/vit'));
  expect(await problemOf()).toContain('does not fit automatic-speech-recognition');
  const spelling = await spellingModel();
  await page.locator('#folder').setInputFiles(spelling);
  await page.getByRole('alert').getByText('is no Whisper').waitFor();
  await rm(spelling, { recursive: true });
  await loadFixture();
  expect(await page.getByRole('alert').isVisible()).toBe(false);
  const buffer = Buffer.from('no sound at all, but a text');
  await page.locator('#file').setInputFiles({ name: 'notes.wav', mimeType: 'audio/wav', buffer });
  expect(await problemOf()).toContain('notes.wav');
  await page.locator('#file').setInputFiles(fileOf(new Float32Array(samplingRate)));
  await waitForStatus(/^No words were heard\.$/);
});

test('loads a model from Hugging Face with the first sound, and tells what is not there', async () => {
  const model = await mkdtemp(path.join(tmpdir(), 'whisper-'));
  await cp(whisper, model, { recursive: true });
  await open({ onlyOwnPolicy: true });
  await page.route('https://huggingface.co/**', async (route) => {
    const address = route.request().url();
    const name = address.includes('someone/something') ? (address.split('/').pop() ?? '') : '';
    const body = await readFile(path.join(model, name)).catch(() => undefined);
    const headers = { 'Access-Control-Allow-Origin': '*' };
    if (body === undefined) await route.fulfill({ status: 404, headers });
    else await route.fulfill({ body, headers });
  });
  await page.getByLabel(/^Model/).fill('hf:someone/nothing');
  await page.getByRole('button', { name: 'Load' }).click();
  expect(await problemOf()).toContain('config.json');
  await page.getByLabel(/^Model/).fill('hf:someone/something');
  await page.locator('#file').setInputFiles(fileOf(voice(0.5)));
  await waitForStatus(/^Done\.$/);
  await rm(model, { recursive: true });
  complaints = complaints.filter((text) => !text.includes('404'));
});

test('says what is missing without WebGPU', async () => {
  await open({ before: () => Reflect.deleteProperty(Navigator.prototype, 'gpu') });
  await page.locator('#folder').setInputFiles(whisper);
  expect(await problemOf()).toMatch(/WebGPU is missing.*navigator\.gpu.*Use a current/);
  expect(await page.getByRole('button', { name: 'Speak' }).isEnabled()).toBe(true);
});

test('says so when the device is lost, and loads anew', async () => {
  await open({
    before: () => {
      type Request = (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) => Promise<GPUDevice>;
      const request: Request = Reflect.get(GPUAdapter.prototype, 'requestDevice');
      GPUAdapter.prototype.requestDevice = async function (descriptor) {
        const device = await request.call(this, descriptor);
        return Object.assign(globalThis, { device }).device;
      };
    },
  });
  await loadFixture();
  await page.evaluate(async () => {
    const { device } = globalThis as unknown as { device: GPUDevice };
    device.destroy();
    await device.lost;
  });
  await page.locator('#file').setInputFiles(fileOf(voice(0.5)));
  expect(await problemOf()).toContain('The GPU is gone');
  await page.locator('#file').setInputFiles(fileOf(voice(0.5)));
  await waitForStatus(/^Done\.$/);
});
