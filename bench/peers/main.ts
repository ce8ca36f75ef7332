// npm run bench -- --peers [--only TEXT] [--rounds N] [--libraries TEXT,…] [--json FILE]
// Every library in a browser of its own, fresh for each case, in turns A B C A B C.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright';
import { chromiumLaunchOptions } from '../../test/support/chromium.ts';
import { summary } from '../compare.ts';
import { buildPages } from './build.ts';
import { type Case, cases } from './cases.ts';
import { chart } from './chart.ts';
import { libraries, type LibraryPage } from './libraries.ts';
import type { PageCalls, Prepared } from './page.ts';
import { givenFor, truthOf } from './reference.ts';
import { type CaseResult, type ColdStart, type LibraryResult, type Run, report } from './report.ts';
import { servePages } from './server.ts';

declare global {
  var peer: Promise<PageCalls> | undefined;
  var cold: { at: number; value: number } | undefined;
}

const root = process.cwd();
const pages = path.join(root, 'node_modules/.cache/webgpu-transformer/bench-pages');
/** A library whose results are further off than this, relative to the largest, is wrong, however fast. */
const mostError = 1e-3;
/** Milliseconds that one call may take; and all the runs of a library, which then has fewer rounds. */
const patience = 600_000;
const enough = 120_000;

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    only: { type: 'string', default: '' },
    libraries: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`--rounds is ${options.rounds}; wanted a whole number from 1.`);
}
const wanted = libraries.filter(({ name }) =>
  options.libraries.split(',').some((part) => name === part || part === ''),
);

await buildPages(root, pages);
const server = await servePages({
  pages,
  ort: path.join(root, 'bench/node_modules/onnxruntime-web/dist'),
  models: path.join(root, 'models'),
});
const run: Run = {
  date: new Date().toISOString(),
  adapter: '',
  browser: '',
  rounds,
  versions: {},
  cold: [],
  cases: [],
};
try {
  if ('cold start'.includes(options.only)) run.cold.push(...(await coldStarts()));
  for (const one of cases) {
    if (one.name.includes(options.only)) run.cases.push(await compared(one));
  }
} finally {
  server.close();
}
console.log(`\n${report(run)}`);
const file = path.resolve(process.env['INIT_CWD'] ?? root, options.json ?? resultsFile(run));
writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
writeFileSync(file.replace(/(\.json)?$/, '.svg'), chart(run));
const wrong = run.cases.flatMap(({ name, results }) =>
  results
    .filter(({ error }) => !(error <= mostError))
    .map((result) => `${name}: ${result.library}`),
);
if (wrong.length > 0) console.error(`Wrong results: ${wrong.join('; ')}`);
process.exit(wrong.some((name) => name.endsWith(': ours')) ? 1 : 0);

function resultsFile({ adapter }: Run): string {
  const name = adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return path.join(root, 'bench/results', `peers-${name}.json`);
}

async function opened(script: string): Promise<{ browser: Browser; page: Page }> {
  const browser = await chromium.launch(chromiumLaunchOptions());
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  await page.goto(`${server.url}/page?script=${script}`);
  return { browser, page };
}

/** From the start of the navigation to the product of two matrices of 64 × 64, or to a translation. */
async function coldStarts(): Promise<ColdStart[]> {
  const all = wanted.filter(({ cold }) => cold !== undefined);
  const found = all.map(({ name }) => ({
    library: name,
    times: [] as number[],
    files: 0,
    bytes: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, { cold = '' }] of all.entries()) {
      server.taken();
      const { browser, page } = await opened(`pages/cold-${cold}/${cold}.js`);
      await page.waitForFunction(() => globalThis.cold !== undefined);
      const { at, value } = await page.evaluate(() => globalThis.cold ?? { at: NaN, value: NaN });
      run.browser ||= browser.version();
      await browser.close();
      const one = found[i];
      if (one === undefined || value !== 64) throw new Error(`${cold} got ${value}, not 64.`);
      one.times.push(at);
      Object.assign(one, server.taken());
    }
  }
  return found.map(({ times, ...one }) => ({ ...one, milliseconds: summary(times) }));
}

interface Active {
  readonly library: LibraryPage;
  readonly browser: Browser;
  readonly page: Page;
  readonly prepared: Prepared;
  readonly times: number[];
}

async function compared(one: Case): Promise<CaseResult> {
  console.log(`${one.name} …`);
  const given = givenFor(one);
  server.give(given);
  const truth = one.kind === 'training step' ? undefined : truthOf(one, given);
  const active: Active[] = [];
  const failed: { library: string; error: string }[] = [];
  for (const library of wanted) {
    const { name, page: script, without, only } = library;
    if (script === undefined || without?.test(one.name) || only?.test(one.name) === false) continue;
    const { browser, page } = await opened(`pages/${script}/${script}.js`);
    try {
      await page.waitForFunction(() => globalThis.peer !== undefined);
      const about = await page.evaluate(async () => {
        const { version = '', adapter = '' } = (await globalThis.peer) ?? {};
        return { version, adapter };
      });
      run.adapter ||= about.adapter;
      run.versions[name] = about.version;
      const prepared = await page.evaluate(
        async (asked) => (await globalThis.peer)?.prepare(asked),
        one.name,
      );
      if (prepared === undefined) throw new Error('The page has no library.');
      active.push({ library, browser, page, prepared, times: [] });
    } catch (error) {
      failed.push({ library: name, error: messageOf(error) });
      await browser.close();
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { page, prepared, times } of active) {
      if (times.reduce((sum, time) => sum + time, 0) > enough) continue;
      const time = await page.evaluate(async () => (await globalThis.peer)?.run());
      times.push((time ?? NaN) / prepared.parts);
    }
  }
  const expected = truth?.samples ?? active[0]?.prepared.samples ?? [];
  const results: LibraryResult[] = [];
  for (const { library, browser, prepared, times } of active) {
    await browser.close();
    const isOff = prepared.token !== undefined && prepared.token !== truth?.largest;
    const error = isOff ? Infinity : errorOf(prepared.samples, expected);
    results.push({
      library: library.name,
      milliseconds: summary(times),
      rounds: times.length,
      error,
    });
  }
  return { name: one.name, results, failed };
}

/** The largest difference, relative to the largest value. */
function errorOf(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Infinity;
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.reduce((most, value, i) => {
    const difference = Math.abs(value - (expected[i] ?? NaN)) / size;
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
