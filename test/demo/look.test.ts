// The page that looks inside, as it is published: built, served below a path of its own under a strict content security
// policy, and used in Chromium, by keyboard where that is all there is.

import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { patchActivations } from 'webgpu-transformer/interpret';
import { codeOf } from '../../demo/look/code.ts';
import { largest } from '../../demo/look/likeliest.ts';
import { initial, linkOf, type State, stateOf } from '../../demo/look/state.ts';
import { chromiumLaunchOptions } from '../support/chromium.ts';
import { taskFolder } from '../support/cli.ts';
import { drop } from './drop.ts';
import { serve } from './server.ts';
import { watchedPage } from './watched-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const [layers, heads] = [4, 4];
const text = 'Emma was very happy';

/** A software driver takes its time. */
const patience = { timeout: 120_000 };

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let browser: Browser;
let server: Server;
let url: string;
let page: Page;
let complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'looking-page-'));
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
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
});

/** Opens the page in a state, and waits until all of it is shown. */
async function open(
  changes: Partial<State> = {},
  options: BrowserContextOptions = {},
): Promise<void> {
  ({ page, complaints } = await watchedPage(browser, options));
  page.setDefaultTimeout(240_000);
  await page.goto(`${url}look.html#${linkOf({ ...initial, text, ...changes })}`);
  await page.locator('#fact-model', { hasText: 'gpt2' }).waitFor();
  await settled();
}

/** Waits until the page has no work, and tells of no problem. */
async function settled(): Promise<void> {
  const [status, problem] = [page.locator('#status:empty'), page.locator('#problem:not([hidden])')];
  await status.or(problem).first().waitFor({ state: 'attached' });
  if (await problem.isVisible()) throw new Error((await problem.textContent()) ?? '');
}

/** How long the bars of the next token are. */
const bars = (): Promise<string[]> =>
  page
    .locator('#next .bar')
    .evaluateAll((all) => all.map((bar) => (bar as HTMLElement).style.getPropertyValue('--part')));
const written = (): Promise<string | null> => page.locator('#written').textContent();

async function expectNoViolations(): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: here } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await here.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(found).toEqual([]);
}

test('shows tokens, what comes next, every head and the lens, as the library has them', async () => {
  await open({ temperature: 1, topP: 1 });
  using generate = await pipeline('text-generation', path.join(root, 'models/novels'));
  const { model, tokenizer } = generate;
  const ids = tokenizer.encode(text);
  const seen = text.replaceAll(' ', '␣');
  expect((await page.locator('#tokens li').allTextContents()).join('')).toBe(seen);
  const { logits, attentions = [] } = await model.forward(
    { inputIds: [ids] },
    { attentions: true },
  );
  const row = logits!.data.slice(-logits!.shape[2]!);
  const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const labels = await page.locator('#next .label').allTextContents();
  const shares = await page.locator('#next .value').allTextContents();
  for (const [i, id] of largest(row, 3).entries()) {
    expect(labels[i]).toBe(tokenizer.decode([id]).replaceAll(' ', '␣').replaceAll('\n', '↵'));
    expect(
      Math.abs(Number.parseFloat(shares[i]!) - (100 * Math.exp(row[id]!)) / total),
    ).toBeLessThan(0.2);
  }
  expect(await page.locator('#overview canvas').count()).toBe(layers * heads);

  // The large map by keyboard alone: the last token's weight of the first, in layer 1, head 2.
  const first = page.getByRole('button', { name: 'Layer 1, head 1', exact: true });
  await first.focus();
  await page.keyboard.press('ArrowRight');
  expect(await page.locator('#map-title').textContent()).toBe('Layer 1, head 2');
  await page.locator('#map').focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Home');
  const [, weight] =
    /: ([01]\.\d{3})$/.exec((await page.locator('#readout').textContent()) ?? '') ?? [];
  const size = ids.length;
  const right = attentions[0]!.data[(2 * size - 1) * size]!;
  expect(Math.abs(Number(weight) - right)).toBeLessThan(0.0006);

  // What the last layer would say is what comes next.
  const cells = page.locator('#lens tbody tr').nth(layers).locator('td');
  expect(await cells.count()).toBe(ids.length);
  expect(await cells.last().textContent()).toBe(labels[0]);
  await page.locator('#lens td[tabindex="0"]').focus();
  await page.keyboard.press('Control+End');
  expect(await page.locator('#lens-readout').textContent()).toContain(`After layer ${layers}`);
  await expectNoViolations();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expectNoViolations();
});

test('a head that is off and a direction change the answer at once, and the link keeps them', async () => {
  await open();
  const before = await bars();
  await page.getByRole('button', { name: 'Layer 1, head 1', exact: true }).focus();
  await page.keyboard.press('Delete');
  await page.getByRole('button', { name: 'Switch on: Layer 1, head 1' }).waitFor();
  await expect.poll(bars, patience).not.toEqual(before);
  await settled();
  expect(await page.locator('#plain').isVisible()).toBe(true);
  const without = await bars();
  await page.locator('#scale').focus();
  for (let step = 0; step < 4; step++) await page.keyboard.press('ArrowRight');
  await expect.poll(bars, patience).not.toEqual(without);
  await settled();
  const both = await bars();
  const continued = await written();
  // The address follows a moment later.
  const linked = (): State => stateOf(new URL(page.url()).hash);
  await expect
    .poll(linked, patience)
    .toMatchObject({ scale: 2, off: [{ layer: 0, head: 0 }], text });
  const state = linked();

  await page.context().close();
  await open(state);
  expect(await bars()).toEqual(both);
  expect(await written()).toBe(continued);
  await page.getByRole('button', { name: 'Switch on: Layer 1, head 1' }).click();
  await page.getByRole('button', { name: 'Begin anew' }).click();
  await page.locator('#text').fill(text);
  await expect.poll(bars, patience).toEqual(before);
});

test('words said twice show a head that finds them again, and what is said without it', async () => {
  await open();
  await page.getByRole('button', { name: 'Say words twice' }).click();
  const said = page.locator('#next .label').first();
  const first = (): Promise<string | null> => said.textContent();
  await expect.poll(first, patience).toBe('␣window');
  await settled();
  expect(await page.locator('#map-title').textContent()).toBe('Layer 4, head 4');
  // From the last token to what came behind it before.
  await page.locator('#map').focus();
  await page.keyboard.press('Control+End');
  const tokens = await page.locator('#tokens li').allTextContents();
  for (let at = tokens.length - 1; at > tokens.indexOf('␣window'); at--) {
    await page.keyboard.press('ArrowLeft');
  }
  const readout = (await page.locator('#readout').textContent()) ?? '';
  expect(readout).toContain('window');
  expect(Number(/: ([01]\.\d{3})$/.exec(readout)?.[1])).toBeGreaterThan(0.5);
  await page.locator('#switch').click();
  await expect.poll(first, patience).not.toBe('␣window');
});

test('two texts are patched as the library does it, and what cannot be is told', async () => {
  const other = 'Emma was very rich';
  await open({ other, open: ['pair'] });
  using generate = await pipeline('text-generation', path.join(root, 'models/novels'));
  const { model, tokenizer } = generate;
  const inputsOf = (one: string): { inputIds: number[][] } => ({
    inputIds: [tokenizer.encode(one)],
  });
  const best = async (one: string): Promise<number> => {
    const { logits } = await model.forward(inputsOf(one), { logitsToKeep: 1 });
    return largest(logits!.data, 1)[0]!;
  };
  const [id, against] = [await best(text), await best(other)];
  const { recovered } = await patchActivations(model, {
    clean: inputsOf(text),
    corrupted: inputsOf(other),
    measure: { id, ...(id !== against && { against }) },
  });
  const cells = page.locator('#patches tbody td');
  await cells.first().waitFor();
  const shown = await cells.allTextContents();
  expect(shown.length).toBe(recovered.flat().length);
  for (const [i, value] of recovered.flat().entries()) {
    expect(Math.abs(Number(shown[i]) - value)).toBeLessThan(0.05);
  }
  await page.locator('#other').fill(`${other} and handsome`);
  await page.locator('#pair-problem', { hasText: 'Patching needs as many' }).waitFor();
  expect(await cells.count()).toBe(0);
  await page.locator('#text').fill('');
  await page.locator('#problem', { hasText: 'Type a text to begin.' }).waitFor();
});

test('the code of the page is a program that prints what the page shows', async () => {
  const changed: Partial<State> = {
    off: [{ layer: 1, head: 2 }],
    scale: 2,
    open: ['heads', 'lens', 'pair'],
    other: "Emma's very rich",
    temperature: 0,
  };
  await open(changed);
  await page.getByRole('button', { name: 'Show the code of this' }).click();
  const code = (await page.locator('#code').textContent()) ?? '';
  await page.keyboard.press('Escape');
  const [continued, likeliest] = [
    await written(),
    await page.locator('#next .label').first().textContent(),
  ];
  const printed = await runCode(code);
  expect(printed.join('\n')).toContain(text + continued!);
  const [, best = ''] = /^(".*") /.exec(printed[0] ?? '') ?? [];
  expect(JSON.parse(best)).toBe(likeliest!.replaceAll('␣', ' ').replaceAll('↵', '\n'));
  // Other states are other programs, which run, too.
  await runCode(codeOf({ ...initial, text, open: ['lens'] }));
});

/** Runs a program beside package.json, and gives what it prints. */
async function runCode(code: string): Promise<string[]> {
  const file = path.join(root, `look-code-${Math.random().toString(36).slice(2)}.mjs`);
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(values.map(String).join(' '));
  });
  await writeFile(file, code);
  try {
    await import(/* @vite-ignore */ file);
  } finally {
    log.mockRestore();
    await rm(file);
  }
  return printed;
}

test('speaks four languages on a phone, without violations', async () => {
  await open({}, { viewport: { width: 390, height: 844 }, hasTouch: true, locale: 'fr-FR' });
  expect(await page.locator('h1').textContent()).toBe('Voir à l’intérieur');
  for (const [name, title] of [
    ['de', 'Hineinsehen'],
    ['zh', '看进模型内部'],
    ['en', 'Look inside'],
  ] as const) {
    await page.locator('#language').selectOption(name);
    expect(await page.locator('h1').textContent()).toBe(title);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  }
  await page.locator('#language').selectOption('de');
  await expectNoViolations();
  // A head is switched off with a finger.
  await page.getByRole('button', { name: 'Ausschalten: Schicht 2, Kopf 1' }).tap();
  await page.getByRole('button', { name: 'Einschalten: Schicht 2, Kopf 1' }).waitFor();
});

test('opens a model of the visitor’s, and refuses one that is too large', async () => {
  const model = await taskFolder('gpt2');
  await open();
  await drop(page, model);
  await page.locator('#fact-model', { hasText: '1 layer, 2 heads' }).waitFor();
  await settled();
  expect(await page.locator('#overview canvas').count()).toBe(2);
  // Of the page's own model alone it is known.
  expect(await page.locator('#circuit').isVisible()).toBe(false);

  // Its header alone says how large a model is; there is nothing behind this one.
  const large = await taskFolder('gpt2');
  const header = JSON.stringify({
    wte: { dtype: 'F16', shape: [50_000, 40_000], data_offsets: [0, 4e9] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const weights = path.join(large, 'model.safetensors');
  await writeFile(weights, Buffer.concat([length, Buffer.from(header)]));
  await truncate(weights, 8 + header.length + 4e9);
  await drop(page, large);
  await page.locator('#problem', { hasText: /4000\.0 MB.*up to 1200\.0 MB/ }).waitFor();
  await page.getByRole('button', { name: 'The model of this page' }).click();
  await page.locator('#fact-model', { hasText: '4 layers' }).waitFor();
});

test('a link says the state, and what it cannot say is as it was', () => {
  const state: State = {
    ...initial,
    text: 'Émile & 小説 #1\n',
    off: [{ layer: 2, head: 0 }],
    scale: -3.5,
    seed: 9,
    part: 'feedForward.output',
    open: [],
  };
  expect(stateOf(`#${linkOf(state)}`)).toEqual(state);
  expect(linkOf(initial)).toBe('');
  const wrong =
    'temperature=NaN&topP=7&seed=1.5&off=x,1.&scale=1e9&head=-1.0&part=logits&model=http://x&open=all';
  expect(stateOf(wrong)).toEqual({ ...initial, off: [], open: [] });
});
