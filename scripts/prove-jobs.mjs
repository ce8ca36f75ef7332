// Shards under workers that are killed at random, on a database that is stopped and started and a disk that is full
// for a while: whether each output is there once, with the bytes that one process writes.
//   npm run build && node scripts/with-driver.mjs node scripts/prove-jobs.mjs --shards 2000 --workers 2 --seed 7
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = path.join(root, 'dist', 'cli.js');
const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '2000' },
    rows: { type: 'string', default: '4' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const { shards, rows, workers } = {
  shards: Number(values.shards),
  rows: Number(values.rows),
  workers: Number(values.workers),
};
console.log(`${shards} shards of ${rows} rows, ${workers} workers, seed ${values.seed}`);

const folder = await mkdtemp(path.join(tmpdir(), 'prove-jobs-'));
// Root does not run PostgreSQL itself, and who does must get in.
await chmod(folder, 0o755);
const [data, place] = [path.join(folder, 'data'), path.join(folder, 'root')];
const at = (/** @type {string} */ name) => path.join(place, name);

let state = Number(values.seed) || 1;
/** A number of [0, 1), by Lehmer's generator. */
function random() {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

async function prepare() {
  await mkdir(at('model'), { recursive: true });
  await mkdir(at('texts'));
  const from = path.join(root, 'test/fixtures/tasks/bert');
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    await copyFile(path.join(from, name), at(`model/${name}`));
  }
  await copyFile(path.join(from, 'features/config.json'), at('model/config.json'));
  await copyFile(path.join(from, 'base.safetensors'), at('model/model.safetensors'));
  const words = ['the', 'film', 'was', 'good', 'Marie', 'Curie', 'and', 'who'];
  for (let shard = 0; shard < shards; shard++) {
    const lines = Array.from({ length: rows }, () => {
      const text = Array.from(
        { length: 1 + Math.floor(8 * random()) },
        () => words[Math.floor(8 * random())],
      );
      return `${JSON.stringify({ text: text.join(' ') })}\n`;
    });
    await writeFile(at(`texts/part-${shard}.jsonl`), lines.join(''));
  }
}

/** @typedef {Record<'added' | 'waiting' | 'running' | 'retrying' | 'done' | 'dead', number>} Counts */

/**
 * Runs a command of jobs. Result: what it prints as JSON.
 * @param {string} name
 * @param {string} queue
 * @param {string[]} more
 * @returns {Promise<Counts>}
 */
async function jobs(name, queue, ...more) {
  const all = ['jobs', name, '--queue', queue, '--data', data, '--json', ...more];
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...all], {
    maxBuffer: 2 ** 26,
  });
  return /** @type {Counts} */ (JSON.parse(stdout));
}

/** @param {string} queue @param {string} out */
function create(queue, out) {
  const what = ['--task', 'embeddings', '--model', at('model'), '--out', at(out)];
  const how = [
    '--lease',
    '10',
    '--delay',
    '0',
    '--retries',
    '50',
    '--options',
    '{"batchTokens":32}',
  ];
  return jobs('create', queue, at('texts'), '--root', place, ...what, ...how);
}

/** Lines of all workers, of which the killed ones may have said less than they did. */
const told = { written: 0, kept: 0, failed: 0, left: 0 };

/** Starts a worker: with a channel to its parent it is one process. @param {string} queue */
function startWorker(queue) {
  const all = [cli, 'jobs', 'work', '--queue', queue, '--data', data, '--root', place, '--json'];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
  child.stdout?.on('data', (text) => {
    for (const [, status] of String(text).matchAll(/"status":"(\w+)"/g)) {
      told[/** @type {keyof typeof told} */ (status)]++;
    }
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return { child, ended };
}

/** The PostgreSQL of the jobs, as an operator sees it. @returns {Promise<number>} */
async function serverProcess() {
  return Number(
    (await readFile(path.join(data, 'server/data/postmaster.pid'), 'utf8')).split('\n')[0],
  );
}

/** Kills workers and the database's server, until nothing is left. */
async function disturb() {
  const running = new Set(Array.from({ length: workers }, () => startWorker('killed')));
  const counts = { kills: 0, stops: 0, full: 0 };
  for (const one of running) void one.ended.then(() => running.delete(one));
  for (let turn = 0; ; turn++) {
    await delay(1000 + 5000 * random());
    while (running.size < workers) {
      const one = startWorker('killed');
      running.add(one);
      void one.ended.then(() => running.delete(one));
    }
    const { waiting, running: worked, retrying, done } = await jobs('status', 'killed');
    if (turn % 10 === 0)
      console.log(`${done} done, ${waiting} waiting, ${retrying + worked} in work`);
    if (waiting + worked + retrying === 0) break;
    const list = [...running];
    const victim = list[Math.floor(list.length * random())];
    const kind = random();
    if (kind < 0.16) {
      process.kill(await serverProcess(), kind < 0.08 ? 'SIGINT' : 'SIGQUIT');
      counts.stops++;
    } else if (kind < 0.28) {
      // A limit on the size of files is the full disk that everybody may have. Its soft one is enough.
      spawnSync('prlimit', [`--pid=${victim?.child.pid}`, '--fsize=600:']);
      counts.full++;
    } else {
      victim?.child.kill('SIGKILL');
      counts.kills++;
    }
  }
  for (const { child } of running) child.kill('SIGTERM');
  await Promise.all([...running].map(({ ended }) => ended));
  return counts;
}

/** @param {string} out @returns {Promise<Map<string, string>>} */
async function outputs(out) {
  /** @type {Map<string, string>} */
  const files = new Map();
  for (const name of await readdir(at(out)))
    files.set(name, await readFile(at(`${out}/${name}`), 'utf8'));
  return files;
}

try {
  await prepare();
  await create('alone', 'alone');
  const [{ added }, again] = await Promise.all([
    create('killed', 'killed'),
    create('killed', 'killed'),
  ]);
  assert.equal(added + again.added, shards);
  let begun = performance.now();
  await startWorker('alone').ended;
  console.log(`one process: ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  Object.assign(told, { written: 0, kept: 0, failed: 0, left: 0 });
  begun = performance.now();
  const counts = await disturb();
  console.log(`killed: ${((performance.now() - begun) / 1000).toFixed(0)} s`, counts, told);
  const { done, dead } = await jobs('status', 'killed');
  assert.deepEqual({ done, dead }, { done: shards, dead: 0 });
  const [wanted, found] = [await outputs('alone'), await outputs('killed')];
  assert.equal(wanted.size, shards);
  const partial = [...found.keys()].filter((name) => name.endsWith('.partial'));
  for (const name of partial) found.delete(name);
  assert.deepEqual(found, wanted);
  console.log(
    `${found.size} outputs, each once and as one process writes it; ${partial.length} partial files beside them`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
