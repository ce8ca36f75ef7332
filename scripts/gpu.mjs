// Tests and measures the library on the GPU of this machine, within a few minutes (bench/README.md):
//   node scripts/gpu.mjs [--out FOLDER] [--seconds 450] [--small] [--only kernels,models]
// Every part has its share of the time and a process of its own; what one loses, others keep.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {number} share of the time that is left, beside those of the parts that follow
 * @property {readonly string[]} command writes its findings into `file`
 * @property {(text: string) => unknown[]} read what is in that file
 */

const root = path.dirname(import.meta.dirname);
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, 'bench/results') },
    seconds: { type: 'string', default: '450' },
    small: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const cache = path.join(root, 'node_modules/.cache/webgpu-transformer/gpu');
const size = values.small ? 'small' : 'full';
const env = { WEBGPU_TRANSFORMER_ADAPTER: 'vulkan', ...process.env };
const end = performance.now() + 1000 * Number(values.seconds);
const fileOf = (/** @type {string} */ name) => path.join(cache, `${name}.json`);
const generation = ['test/model', 'test/api/generation', 'test/api/checkpoints'];
const torch = ['python3', 'bench/gpu/torch_side.py', fileOf('torch'), size];

/** @type {readonly Part[]} */
const parts = [
  tests('shaders', ['test/shaders']),
  tests('generation', generation),
  figures('kernels'),
  figures('models'),
  { name: 'torch', share: 0.7, command: torch, read: lines },
].filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));

rmSync(cache, { recursive: true, force: true });
mkdirSync(cache, { recursive: true });
mkdirSync(values.out, { recursive: true });
await bundle('bench/gpu/main.ts', cache).catch((error) =>
  console.error('The bench cannot be bundled:', error),
);

/** @type {Record<string, { ended: string, seconds: number, found: unknown[] }>} */
const results = {};
const date = new Date().toISOString();
let shares = parts.reduce((sum, { share }) => sum + share, 0);
for (const { name, share, command, read } of parts) {
  const start = performance.now();
  const seconds = ((end - start) / 1000) * (share / shares);
  shares -= share;
  console.log(`\n==> ${name}, ${seconds.toFixed(0)} s at most`);
  const ended = await runFor(seconds, command);
  const took = (performance.now() - start) / 1000;
  /** @type {unknown[]} */
  let found = [];
  try {
    if (existsSync(fileOf(name))) found = read(readFileSync(fileOf(name), 'utf8'));
  } catch (error) {
    console.error(`${name} left a file that cannot be read:`, error);
  }
  results[name] = { ended, seconds: Math.round(took), found };
  console.log(`==> ${name}: ${ended}, ${took.toFixed(0)} s`);
  save();
}
process.exitCode = Object.values(results).every(({ ended }) => ended === 'well') ? 0 : 1;

/**
 * Tests in Node; their count, and which of them failed.
 * @param {string} name
 * @param {readonly string[]} files
 * @returns {Part}
 */
function tests(name, files) {
  const reporters = ['--reporter', 'dot', '--reporter', 'json', '--outputFile.json', fileOf(name)];
  const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'node'];
  return {
    name,
    share: 1,
    command: [...vitest, ...reporters, ...files],
    read: (text) => {
      const { numPassedTests, numFailedTests, testResults } =
        /** @type {import('vitest/node').JsonTestResults} */ (JSON.parse(text));
      const failures = testResults.flatMap(({ assertionResults, name: file, message }) => {
        const own = assertionResults.filter(({ status }) => status === 'failed');
        if (own.length === 0 && message) return [{ test: path.relative(root, file), message }];
        return own.map(({ fullName, failureMessages }) => ({
          test: fullName,
          message: failureMessages?.[0]?.slice(0, 600),
        }));
      });
      return [{ passed: numPassedTests, failed: numFailedTests, failures: failures.slice(0, 40) }];
    },
  };
}

/**
 * A part of bench/gpu/main.ts, bundled below.
 * @param {string} name
 * @returns {Part}
 */
function figures(name) {
  const command = [process.execPath, path.join(cache, 'main.mjs'), name, fileOf(name), size];
  return { name, share: 1.5, command, read: lines };
}

/**
 * @param {string} text
 * @returns {unknown[]}
 */
function lines(text) {
  const written = text.split('\n').filter((line) => line !== '');
  return written.map((line) => /** @type {unknown} */ (JSON.parse(line)));
}

/** Writes what there is so far, under the adapter's name. */
function save() {
  const found = [results.kernels, results.models].flatMap((part) => part?.found ?? []);
  const [first] = /** @type {{ adapter?: { architecture: string, description: string } }[]} */ (
    found
  );
  const { architecture = '', description = 'unknown' } = first?.adapter ?? {};
  const words = `${architecture} ${description}`.toLowerCase().match(/[a-z0-9.]+/g) ?? [];
  const name = ['gpu', ...(values.small ? ['small'] : []), ...words].join('-').slice(0, 80);
  const run = { date, size, node: process.version, parts: results };
  writeFileSync(path.join(values.out, `${name}.json`), `${JSON.stringify(run, null, 2)}\n`);
}

/**
 * Runs a command and says how it ended. It and what it started are killed when its time is up.
 * @param {number} seconds
 * @param {readonly string[]} words
 * @returns {Promise<string>}
 */
function runFor(seconds, [command = '', ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit', detached: true });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, 1000 * seconds);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve(`could not start: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (isLate) resolve('out of time');
      else resolve(code === 0 ? 'well' : `with ${signal ?? `status ${code}`}`);
    });
  });
}
