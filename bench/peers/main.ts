// npm run bench -- --peers [--only TEXT] [--slow] [--rounds N] [--libraries NAME,…] [--json FILE] [--readme]
//                          [--from FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPages } from './build.ts';
import { cases } from './cases.ts';
import { chart } from './chart.ts';
import { coldStarts } from './cold-starts.ts';
import { compared } from './compared.ts';
import { libraries } from './libraries.ts';
import { about, failures, loads, rowsOf, type Run, table } from './report.ts';
import { servePages } from './server.ts';

const root = process.cwd();
const outDir = path.join(root, 'node_modules/.cache/webgpu-transformer/bench-pages');

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    only: { type: 'string', default: '' },
    slow: { type: 'boolean', default: false },
    libraries: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    readme: { type: 'boolean', default: false },
    from: { type: 'string' },
  },
});
// Playwright closes the browsers of a process that is told to end, and lets it go on.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`--rounds is ${options.rounds}; wanted a whole number from 1.`);
}
const { from, only } = options;
const earlier = from === undefined ? undefined : read(from);
const run = earlier !== undefined && only === '' ? earlier : await measured();
console.log(`\n${about(run)}\n\n${table(run)}\n`);
if (run.cold.results.length > 0) console.log(`For the first product: ${loads(run)}.`);
for (const line of failures(run)) console.log(line);
if (options.readme) writeReadme(run);
const wrong = rowsOf(run).flatMap((row) => [...row.wrong].map((name) => `${row.name}: ${name}`));
if (wrong.length > 0) console.error(`Wrong results: ${wrong.join('; ')}`);
process.exit(wrong.some((one) => one.endsWith(': ours')) ? 1 : 0);

/** All that was asked for, and the rest of an earlier run. What is done is written after each case. */
async function measured(): Promise<Run> {
  const names = options.libraries.split(',');
  const wanted = libraries.filter(({ name, slow }) =>
    options.libraries === '' ? options.slow || slow !== true : names.includes(name),
  );
  const missing = await buildPages(wanted, { root, outDir });
  const built = wanted.filter(({ page = '', cold }) => {
    return !missing.has(page) && !missing.has(`cold-${cold}`);
  });
  const server = await servePages({
    pages: outDir,
    ort: path.join(root, 'bench/node_modules/onnxruntime-web/dist'),
    models: path.join(root, 'models'),
  });
  const current: Run = {
    date: new Date().toISOString(),
    // Cold starts do not tell it.
    adapter: earlier?.adapter ?? '',
    browser: '',
    processors: availableParallelism(),
    rounds,
    versions: { ...earlier?.versions },
    cold: earlier?.cold ?? { date: '', results: [], failed: [] },
    cases: [...(earlier?.cases ?? [])],
  };
  const common = { libraries: built, server, run: current };
  try {
    if ('first product'.includes(only)) {
      console.log('first product …');
      current.cold = await coldStarts(common);
    }
    for (const one of cases) {
      if (!one.name.includes(only) || (one.slow === true && !options.slow)) continue;
      console.log(`${one.name} …`);
      const result = await compared(one, common);
      const place = current.cases.findIndex(({ name }) => name === one.name);
      current.cases.splice(place < 0 ? Infinity : place, 1, result);
      write(current);
    }
  } finally {
    server.close();
  }
  write(current);
  return current;
}

function write(current: Run): void {
  const file = given(options.json) ?? `${resultsOf(current)}.json`;
  writeFileSync(file, `${JSON.stringify(current, null, 2)}\n`);
  writeFileSync(file.replace(/(\.json)?$/, '.svg'), chart(current));
}

function read(file: string): Run {
  return JSON.parse(readFileSync(given(file) ?? file, 'utf8')) as Run;
}

/** A path as the caller sees it. */
function given(file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(process.env['INIT_CWD'] ?? root, file);
}

/** The files of a run, without their endings. */
function resultsOf({ adapter }: Run): string {
  const name = adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-') || 'no-adapter';
  return path.join(root, 'bench/results', `peers-${name}`);
}

/** The chart as well: with --from it may have been drawn by older code. */
function writeReadme(shown: Run): void {
  const svg = `${resultsOf(shown)}.svg`;
  writeFileSync(svg, chart(shown));
  const text = [
    about(shown),
    '',
    table(shown),
    '',
    ...(shown.cold.results.length > 0
      ? [`For its first product a page loads: ${loads(shown)} (gzip).`, '']
      : []),
    `![How many times as long as here each library takes](${path.relative(root, svg)})`,
  ].join('\n');
  const file = path.join(root, 'README.md');
  const [start, end] = ['<!-- peers -->', '<!-- /peers -->'];
  const readme = readFileSync(file, 'utf8');
  const [at, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (at < 0 || to < at) throw new Error(`README.md has no ${start} before ${end}.`);
  writeFileSync(file, `${readme.slice(0, at)}${start}\n${text}\n${readme.slice(to)}`);
}
