// Queued jobs as they are made, worked on, looked at and tried again, by workers of processes of their own, over the
// PostgreSQL that comes with a package.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { pipeline } from 'webgpu-transformer';
import { embedShard } from 'webgpu-transformer/jobs';
import { EmbeddedServer } from '../../src/cli/jobs/embedded-server.ts';
import {
  buildCommand,
  commandLine,
  type Ended,
  expectRefusal,
  output,
  root,
} from '../support/cli.ts';
import { here } from '../support/cli-here.ts';
import { addressIn, jobsFolder, outputsIn } from '../support/jobs.ts';
import { inFolder, textsOf, writeShard } from '../support/shards.ts';

// Several processes, each of which opens a device.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
beforeAll(buildCommand);

const folder = await jobsFolder();
const embed = await pipeline('embeddings', path.join(folder.root, 'model'));
const started: ChildProcess[] = [];
afterAll(() => {
  embed.dispose();
  for (const { pid } of started) end(pid, 'SIGKILL');
});

const at = (place: string): string => path.join(folder.root, place);
const rooted = ['--root', folder.root];
const making = ['--task', 'embeddings', '--model', at('model')];
/** A model that takes a row at a time, so that shards take long. */
const slowly = ['--options', '{"batchTokens":1,"window":4}'];

/** Runs a command of jobs. Result: what it prints as JSON. */
async function jobs(name: string, queue: string, ...more: string[]): Promise<unknown> {
  const where = more.includes('--database') ? [] : ['--data', folder.data];
  const { code, stdout, stderr } = await here(
    'jobs',
    name,
    '--queue',
    queue,
    ...where,
    '--json',
    ...more,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

async function create(queue: string, shards: string[], out: string, ...more: string[]) {
  return jobs('create', queue, ...shards, ...making, '--out', at(out), ...rooted, ...more);
}

interface Worker {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly said: () => string;
}

/** Starts a worker in a group of processes of its own. */
function startWorker(queue: string, ...more: string[]): Worker {
  return startWorkerIn({}, queue, ...more);
}

/** The same with these variables. */
function startWorkerIn(
  own: Readonly<Record<string, string>>,
  queue: string,
  ...more: string[]
): Worker {
  const [program = '', ...before] = commandLine;
  const all = [...before, 'jobs', 'work', '--queue', queue, ...rooted, '--json', ...more];
  const child = spawn(program, all, {
    cwd: root,
    detached: true,
    env: { ...process.env, ...own },
  });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
  return { child, ended, said: () => stdout + stderr };
}

/** Sends a signal to a worker and all that it started. */
function end(group: number | undefined, signal: 'SIGKILL' | 'SIGTERM'): void {
  try {
    process.kill(-(group ?? Number.NaN), signal);
  } catch {
    // It has ended by itself.
  }
}

/** Until a file of a folder fits. */
async function appears(place: string, name: RegExp): Promise<void> {
  const isThere = async (): Promise<boolean> =>
    (await readdir(place).catch(() => [])).some((one) => name.test(one));
  await vi.waitUntil(isThere, { timeout: 60_000 });
}

/** What one process makes of a shard, with the same options. */
async function alone(shard: string, options: object = {}): Promise<Record<string, string>> {
  let files: Record<string, string> = {};
  await inFolder(async (out) => {
    await embedShard(embed, shard, out, { modelId: 'model', ...options });
    files = await outputsIn(out);
  });
  return files;
}

test('shards are queued once, worked on, and tried again once they can be read', async () => {
  const shards: string[] = [];
  for (let n = 0; n < 5; n++) {
    const rows = textsOf(3 + n).map((text) => ({ text }));
    shards.push(await writeShard(folder.root, rows, `part-${n}.jsonl`));
  }
  const torn = at('torn.jsonl');
  await writeFile(torn, '{"text":"Marie"}\n{"text":\n');
  // Two coordinators at the same time, one of them with a pattern.
  const own = ['--queue', 'plain', '--data', folder.data, '--json', ...rooted];
  const coordinate = async (...named: string[]): Promise<unknown> => {
    const all = ['jobs', 'create', ...named, ...making, '--out', at('vectors'), ...own];
    return JSON.parse(await output(...all));
  };
  const both = await Promise.all([
    coordinate(...shards, torn),
    coordinate(at('part-?.jsonl'), torn),
  ]);
  const counts = both as { added: number; known: number }[];
  expect(counts.map(({ added, known }) => added + known)).toEqual([6, 6]);
  expect(counts.map(({ added }) => added).reduce((a, b) => a + b)).toBe(6);
  expect(await jobs('status', 'plain')).toMatchObject({
    waiting: 6,
    done: 0,
    shardsPerMinute: null,
  });

  // A worker whose clock goes wrong by a day: leases are those of the database.
  const jump = at('jump.mjs');
  await writeFile(jump, 'const now = Date.now; Date.now = () => now() + 864e5;\n');
  const worker = startWorker('plain', '--data', folder.data, '--stay', '--grace', '0');
  const wrongly = { NODE_OPTIONS: `--import=${pathToFileURL(jump).href}` };
  const late = startWorkerIn(wrongly, 'plain', '--data', folder.data);
  const { code, stdout, stderr } = await late.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  end(worker.child.pid, 'SIGTERM');
  const other = await worker.ended;
  expect({ code: other.code, stderr: other.stderr }).toEqual({ code: 0, stderr: '' });
  const worked = (stdout + other.stdout).split('\n').filter(Boolean);
  const byInput = new Map(
    worked
      .map((line) => JSON.parse(line) as { input: string; status: string })
      .map((one) => [one.input, one]),
  );
  expect(byInput.size).toBe(6);
  expect(byInput.get('torn.jsonl')).toMatchObject({ status: 'failed', isDead: true });
  expect(byInput.get('part-1.jsonl')).toMatchObject({ status: 'written', rows: 4 });

  const wanted = Object.assign(
    {},
    ...(await Promise.all(shards.map((shard) => alone(shard)))),
  ) as object;
  expect(await outputsIn(at('vectors'))).toEqual(wanted);
  const state = (await jobs('status', 'plain')) as { shardsPerMinute: number };
  const reason: unknown = expect.stringMatching(/^.*torn\.jsonl, line 2 is not valid JSON/);
  const deadShards = [{ input: 'torn.jsonl', code: 'FILE_INVALID', tries: 1, message: reason }];
  expect(state).toMatchObject({
    waiting: 0,
    running: 0,
    done: 5,
    dead: 1,
    secondsLeft: 0,
    deadShards,
  });
  expect(state.shardsPerMinute).toBeGreaterThan(0);

  await writeFile(torn, '{"text":"Marie"}\n');
  expect(await create('plain', [torn], 'vectors')).toMatchObject({ added: 0, known: 1 });
  expect(await jobs('retry', 'plain')).toEqual({ queue: 'plain', retried: 1 });
  const again = await startWorker('plain', '--data', folder.data).ended;
  expect(JSON.parse(again.stdout)).toMatchObject({
    input: 'torn.jsonl',
    status: 'written',
    rows: 1,
  });
  expect(await jobs('status', 'plain')).toMatchObject({ done: 6, dead: 0, waiting: 0 });
  expect(Object.keys(await outputsIn(at('vectors')))).toHaveLength(6);
});

test('the shard of a worker that is killed goes to another, which writes the same', async () => {
  const shard = await writeShard(
    folder.root,
    textsOf(60).map((text) => ({ text })),
    'long.jsonl',
  );
  await create('killed', [shard], 'long', ...slowly, '--lease', '10', '--delay', '0');
  const first = startWorker('killed', '--data', folder.data);
  await appears(at('long'), /\.partial$/);
  end(first.child.pid, 'SIGKILL');
  await first.ended;
  const second = startWorker('killed', '--data', folder.data);
  const { code, stdout } = await second.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ input: 'long.jsonl', status: 'written', rows: 60 });
  expect(await outputsIn(at('long'))).toEqual(await alone(shard, { batchTokens: 1, window: 4 }));
  expect(await jobs('status', 'killed')).toMatchObject({
    done: 1,
    dead: 0,
    waiting: 0,
    running: 0,
  });
});

test('a worker that is asked to end gives its shard back', async () => {
  const shard = await writeShard(
    folder.root,
    textsOf(400).map((text) => ({ text })),
    'given.jsonl',
  );
  await create('given', [shard], 'given', ...slowly);
  const worker = startWorker('given', '--data', folder.data, '--grace', '0');
  await appears(at('given'), /\.partial$/);
  end(worker.child.pid, 'SIGTERM');
  const { code, stdout } = await worker.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ input: 'given.jsonl', status: 'left' });
  expect(await outputsIn(at('given'))).toEqual({});
  expect(await jobs('status', 'given')).toMatchObject({ waiting: 1, running: 0, retrying: 0 });
});

test('a database that is stopped and started meanwhile is waited for', async () => {
  const shards: string[] = [];
  for (let n = 0; n < 4; n++) {
    const rows = textsOf(20 + n).map((text) => ({ text }));
    shards.push(await writeShard(folder.root, rows, `lasting-${n}.jsonl`));
  }
  const database = await addressIn(folder.data);
  await create('lasting', shards, 'lasting', ...slowly, '--database', database);
  const worker = startWorker('lasting', '--database', database);
  await appears(at('lasting'), /\.partial$/);
  const server = await EmbeddedServer.open(folder.data);
  await server.stop();
  await vi.waitUntil(() => worker.said().includes('PostgreSQL is away'), { timeout: 60_000 });
  expect(await server.start()).toBe(database);
  const { code, stdout } = await worker.ended;
  expect(code).toBe(0);
  expect(stdout.split('\n').filter(Boolean)).toHaveLength(4);
  expect(Object.keys(await outputsIn(at('lasting')))).toHaveLength(4);
  expect(await jobs('status', 'lasting', '--database', database)).toMatchObject({
    done: 4,
    dead: 0,
  });
});

test('what cannot be is told', async () => {
  const nowhere = 'postgres://me:hidden@127.0.0.1:1/jobs';
  const away = await here('jobs', 'status', '--database', nowhere);
  expectRefusal(away, 'PostgreSQL cannot be reached', 'DATABASE_URL');
  expect(away.stderr).not.toContain('hidden');
  vi.stubEnv('DATABASE_URL', 'mysql://x');
  expectRefusal(await here('jobs', 'retry'), 'postgres://');
  vi.unstubAllEnvs();
  const data = ['--data', folder.data];
  expectRefusal(await here('jobs', 'status', '--queue', 'none', ...data), 'no queue "none"');
  expectRefusal(await here('jobs', 'work', '--root', at('none')), '--root');
  const shard = await writeShard(folder.root, [{ text: 'Marie' }], 'one.jsonl');
  const refused = (...more: string[]): Promise<Ended> => here('jobs', 'create', ...data, ...more);
  expectRefusal(await refused(shard), '--task is missing');
  expectRefusal(await refused(shard, ...making), '--out is missing');
  expectRefusal(await refused(shard, ...making, '--out', '/elsewhere'), 'does not lie below');
  const rest = [...making, '--out', at('out'), ...rooted];
  expectRefusal(await refused(...rest), 'No shard is named');
  expectRefusal(await refused(at('*.xml'), ...rest), 'There is no shard');
  expectRefusal(await refused(shard, ...rest, '--options', '[1]'), '--options');
  expectRefusal(await refused(shard, ...rest, '--options', '{"resume":true}'), 'options.resume');
  expectRefusal(await refused(shard, ...rest, '--lease', '3'), '--lease', '10');
});
