// What the commands of jobs are made of: names of shards, jobs that are wrong, workers on bad machines, missing packages.
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { TransformerError } from '../../src/index.node.ts';
import { EmbeddedServer } from '../../src/cli/jobs/embedded-server.ts';
import { shardFiles } from '../../src/cli/jobs/shard-files.ts';
import {
  jobId,
  modelIdOf,
  nameBelow,
  parseJob,
  type ShardJob,
} from '../../src/cli/jobs/shard-job.ts';
import { ShardQueue } from '../../src/cli/jobs/shard-queue.ts';
import { queuePlace } from '../../src/cli/jobs/settings.ts';
import { type RunJob, work, type WorkedShard } from '../../src/cli/jobs/worker.ts';
import { embedShard } from '../../src/jobs/index.ts';
import { jobsFolder } from '../support/jobs.ts';
import { cpuVectors, inFolder, textsOf, writeShard } from '../support/shards.ts';

const folder = await jobsFolder();
const embed = await cpuVectors();

const job: ShardJob = {
  task: 'embeddings',
  model: 'hf:owner/name@main',
  input: 'texts/part-7.jsonl',
  output: 'vectors',
};

/** As a worker's process does it, on the CPU. */
const run: RunJob = async ({ input, output, ...rest }, signal) =>
  embedShard(embed, path.join(folder.root, input), path.join(folder.root, output), {
    modelId: modelIdOf({ input, output, ...rest }),
    resume: true,
    signal,
  });

async function open(name: string): Promise<ShardQueue> {
  const queue = await ShardQueue.open(name, { data: folder.data }, { works: true });
  await queue.prepare({ delay: 0, lease: 10 });
  return queue;
}

/** Works until nothing is left. Result: what was told of each shard. */
async function worked(queue: ShardQueue, how: RunJob = run): Promise<WorkedShard[]> {
  const told: WorkedShard[] = [];
  const { signal } = new AbortController();
  const report = (shard: WorkedShard): void => void told.push(shard);
  await work(queue, how, { signal, grace: 0, stays: false, recovery: 50, report });
  return told;
}

test('a job is known by what it says, in whatever order', () => {
  const [one, other] = [
    { ...job, options: { column: 'a', id: 'b' } },
    { options: { id: 'b', column: 'a' }, ...job },
  ];
  expect(jobId(one)).toBe(jobId(other));
  expect(jobId(one)).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/);
  const others = [
    job,
    { ...job, output: 'others' },
    { ...job, dtype: 'f16' },
    { ...job, adapter: 'f16' },
  ];
  const ids = (others as ShardJob[]).map(jobId);
  expect(new Set([...ids, jobId(one)]).size).toBe(5);
});

test.each([
  ['a path upwards', { input: '../secrets.jsonl' }, /input.+\.\.\/secrets/],
  ['a path with one in it', { input: 'texts/../../x.jsonl' }, /input/],
  ['a path of Windows', { input: String.raw`C:\x.jsonl` }, /input/],
  ['an absolute path', { output: '/etc' }, /output.+"\/etc"/],
  ['an address to write to', { output: 'https://host/x' }, /output/],
  ['a file: address', { input: 'file:///etc/passwd' }, /input/],
  ['data in place of a name', { input: 'data:text/plain,Marie' }, /input/],
  ['a model elsewhere', { model: '/models/one' }, /model/],
  ['no model', { model: undefined }, /model.+undefined/],
  ['an adapter elsewhere', { adapter: '../adapter' }, /adapter/],
  ['an unknown task', { task: 'explode' }, /task is "explode"; wanted embeddings or/],
  ['an unknown field', { inptu: 'x' }, /"inptu"\. Did you mean "input"/],
  ['an unknown dtype', { dtype: 'f8' }, /dtype is "f8"/],
  ['options that are none', { options: 3 }, /options/],
  ['an option that the worker gives', { options: { modelId: 'x' } }, /options\.modelId/],
])('%s is refused', (_, wrong, message) => {
  expect(() => parseJob({ ...job, ...wrong })).toThrow(message);
  expect(() => parseJob({ ...job, ...wrong })).toThrow(TransformerError);
});

test('wrong jobs are dead at once, whoever queued them, and the worker goes on', async () => {
  await using queue = await open('wrong');
  const shard = await writeShard(
    folder.root,
    textsOf(5).map((text) => ({ text })),
  );
  const right = { ...job, input: path.basename(shard), output: 'right' };
  const wrong = [
    { ...right, input: '../../etc/passwd' },
    { ...right, output: '/etc' },
    { ...right, task: 'explode' },
    { ...right, more: true },
  ];
  expect(await queue.add([...wrong, right] as ShardJob[])).toBe(5);
  const told = await worked(queue);
  expect(told.map(({ status }) => status)).toEqual([
    'failed',
    'failed',
    'failed',
    'failed',
    'written',
  ]);
  const { dead, done, deadShards } = await queue.state();
  expect({ dead, done }).toEqual({ dead: 4, done: 1 });
  expect(deadShards.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['INPUT_INVALID', 'OPTION_UNKNOWN']),
  );
  expect(await readdir(folder.root)).toEqual(
    expect.arrayContaining(['model', 'part-7.jsonl', 'right']),
  );
});

test('a shard that fails by its machine is tried again, and nothing of it is left', async () => {
  await using queue = await open('full');
  const shard = await writeShard(
    folder.root,
    textsOf(5).map((text) => ({ text })),
    'full.jsonl',
  );
  const output = path.join(folder.root, 'full');
  // A file where the folder should be: nothing can be written.
  await writeFile(output, '');
  await queue.add([{ ...job, input: path.basename(shard), output: 'full' }]);
  const told = await worked(queue, async (one, signal) => {
    try {
      return await run(one, signal);
    } finally {
      await rm(output, { force: true, recursive: true }).catch(() => undefined);
    }
  });
  expect(told).toMatchObject([
    { status: 'failed', isDead: false },
    { status: 'written', rows: 5 },
  ]);
  expect(told[0]!.error).toMatch(/could not be written/);
});

test('a worker on a broken machine ends, and leaves its shards to others', async () => {
  await using queue = await open('broken');
  await queue.add(Array.from({ length: 7 }, (_, n) => ({ ...job, input: `part-${n}.jsonl` })));
  const lost: RunJob = () =>
    Promise.reject(new TransformerError('DEVICE_LOST', 'The GPU is gone.'));
  await expect(worked(queue, lost)).rejects.toMatchObject({
    code: 'DEVICE_LOST',
    message: expect.stringMatching(/^5 shards one after the other failed.+gone/) as unknown,
  });
  expect(await queue.state()).toMatchObject({ waiting: 2, retrying: 5, dead: 0 });
});

test('who lost a shard does not settle it', async () => {
  await using queue = await open('lost');
  await queue.add([job]);
  const { signal } = new AbortController();
  const first = (await queue.take(signal))!;
  await queue.giveBack(first);
  const second = (await queue.take(signal))!;
  expect(second).toMatchObject({ id: first.id, retryCount: first.retryCount + 1 });
  expect(await queue.renew(first)).toBe(false);
  expect(await queue.complete(first, { output: 'x', status: 'written', seconds: 1 })).toBe(false);
  expect(await queue.fail(first, new Error('too late'), true)).toBe(false);
  expect(await queue.renew(second)).toBe(true);
  expect(await queue.complete(second, { output: 'x', status: 'written', seconds: 1 })).toBe(true);
  expect(await queue.state()).toMatchObject({ done: 1, dead: 0, waiting: 0, retrying: 0 });
});

test('shards are files, folders, patterns and addresses', async () => {
  await inFolder(async (place) => {
    await mkdir(path.join(place, 'in/deep'), { recursive: true });
    for (const name of [
      'b.jsonl',
      'a.csv',
      'c.md',
      'in/d.parquet',
      'in/deep/e.jsonl',
      'x+(1).txt',
    ]) {
      await writeFile(path.join(place, name), '');
    }
    const found = async (...given: string[]): Promise<string[]> =>
      (await shardFiles(given)).map((one) => one.replace(`${place}/`, ''));
    const at = (name: string): string => path.join(place, name);
    expect(await found(place)).toEqual([
      'a.csv',
      'b.jsonl',
      'in/d.parquet',
      'in/deep/e.jsonl',
      'x+(1).txt',
    ]);
    expect(await found(at('*.jsonl'))).toEqual(['b.jsonl']);
    expect(await found(at('**/*.jsonl'))).toEqual(['b.jsonl', 'in/deep/e.jsonl']);
    expect(await found(at('x+(?).*'))).toEqual(['x+(1).txt']);
    expect(await found(at('c.md'), at('c.md'), 'https://host/f.csv')).toEqual([
      'c.md',
      'https://host/f.csv',
    ]);
    await expect(found(at('*.xml'))).rejects.toThrow('There is no shard at');
    await expect(found(at('none'))).rejects.toThrow('There is no shard at');
    expect(nameBelow(place, at('in/d.parquet'))).toBe('in/d.parquet');
    expect(() => nameBelow(at('in'), at('a.csv'))).toThrow('does not lie below');
  });
});

test('a queue has a plain name', () => {
  const place = { queue: undefined, database: undefined, data: undefined };
  expect(queuePlace(place).queue).toBe('shards');
  for (const queue of ['', 'a.b', '../a', 'a b', 'a'.repeat(65)]) {
    expect(() => queuePlace({ ...place, queue })).toThrow('--queue is');
  }
  expect(() => queuePlace({ ...place, database: 'postgres://h/n', data: 'x' })).toThrow('--data');
});

test('a server that is begun by two at once is one', async () => {
  await inFolder(async (place) => {
    await chmod(place, 0o755);
    const [one, other] = await Promise.all([
      EmbeddedServer.open(place),
      EmbeddedServer.open(place),
    ]);
    const [address, same] = await Promise.all([one.start(), other.start()]);
    expect(address).toBe(same);
    await one.stop();
    expect(await readdir(place)).not.toContainEqual(expect.stringMatching(/partial/));
  });
});

test('packages that are missing are named', async () => {
  vi.resetModules();
  vi.doMock('pg-boss', () => {
    throw new Error('not there');
  });
  const { Connection } = await import('../../src/cli/jobs/connection.ts');
  const opening = Connection.open({ database: 'postgres://h/n' }, 'any', false);
  await expect(opening).rejects.toMatchObject({
    code: 'MODEL_UNSUPPORTED',
    message: expect.stringContaining('npm install pg-boss') as unknown,
  });
  vi.doUnmock('pg-boss');
});
