// Vectors of shards in a table of pgvector.
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { ShardJob } from '../../src/cli/jobs/shard-job.ts';
import { ShardQueue } from '../../src/cli/jobs/shard-queue.ts';
import { storeVectors } from '../../src/cli/jobs/vector-table.ts';
import { work, type WorkedShard } from '../../src/cli/jobs/worker.ts';
import { expectRefusal } from '../support/cli.ts';
import { here } from '../support/cli-here.ts';
import { outputsIn, putModel } from '../support/jobs.ts';
import { textsOf, writeShard } from '../support/shards.ts';
import { vectorDatabase } from '../support/vector-database.ts';

// A database that is compiled to WebAssembly, and a device.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = await mkdtemp(path.join(tmpdir(), 'vectors-'));
const database = await vectorDatabase();
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
const at = (place: string): string => path.join(folder, place);
await putModel(folder);
await mkdir(at('texts'));
const rows = textsOf(600).map((text, index) => ({ text, name: `n ${index}` }));
await writeShard(at('texts'), rows, 'a.jsonl');
await writeShard(at('texts'), rows.slice(0, 3), 'b.jsonl');
await writeShard(at('texts'), [], 'empty.jsonl');

const creating = ['--task', 'feature-extraction', '--model', at('model'), '--root', folder];

/** Runs a command of jobs over the database. */
function jobs(name: string, queue: string, ...more: string[]): ReturnType<typeof here> {
  return here('jobs', name, '--queue', queue, '--database', database.address, '--json', ...more);
}

async function create(queue: string, table: string, out: string, ...more: string[]) {
  const places = [at('texts'), '--out', at(out), '--table', table];
  return jobs('create', queue, ...places, ...creating, ...more);
}

async function workedOn(queue: string): Promise<WorkedShard[]> {
  const { code, stdout, stderr } = await jobs('work', queue, '--root', folder, '--quiet');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  const state = await jobs('status', queue);
  return JSON.parse(state.stdout) as WorkedShard[];
}

test.each(['jsonl', 'parquet'])('vectors go into a table, once, from %s', async (format) => {
  const table = `of_${format}`;
  expect(await create(table, table, table, '--id', 'name', '--format', format)).toMatchObject({
    code: 0,
    stdout: `{"queue":"${table}","added":3,"known":0}\n`,
  });
  expect(await workedOn(table)).toMatchObject({ done: 3, dead: 0 });
  const count = `SELECT shard, count(*)::int AS rows FROM ${table} GROUP BY shard ORDER BY shard`;
  const counted = [
    { shard: 'texts/a.jsonl', rows: 600 },
    { shard: 'texts/b.jsonl', rows: 3 },
  ];
  expect(await database.query(count)).toEqual(counted);

  // The nearest is the text itself, and all are what the file has.
  const found = await database.query(
    `SELECT "row", id, embedding::real[] AS vector FROM ${table} WHERE shard = 'texts/a.jsonl' ORDER BY "row"`,
  );
  expect(found.map(({ row, id }) => [row, id])).toEqual(rows.map(({ name }, row) => [row, name]));
  const nearest = await database.query(
    `SELECT id, embedding <-> (SELECT embedding FROM ${table} WHERE shard = 'texts/a.jsonl' AND "row" = 7) AS far
     FROM ${table} WHERE shard = 'texts/b.jsonl' OR "row" = 7 ORDER BY far LIMIT 1`,
  );
  expect(nearest).toMatchObject([{ id: 'n 7', far: 0 }]);
  if (format === 'jsonl') {
    const files = Object.entries(await outputsIn(at(table)));
    const [, text = ''] = files.find(([name]) => name.startsWith('a')) ?? [];
    const written = text.trimEnd().split('\n');
    for (const [index, line] of written.entries()) {
      const { embedding } = JSON.parse(line) as { embedding: number[] };
      const vector = found[index]!['vector'] as number[];
      expect(vector.map(Math.fround)).toEqual(embedding.map(Math.fround));
    }
  }

  // In another queue the outputs are kept, and the rows come in place of themselves.
  await create(`${table}_again`, table, table, '--id', 'name', '--format', format);
  expect(await workedOn(`${table}_again`)).toMatchObject({ done: 3, dead: 0 });
  expect(await database.query(count)).toEqual(counted);
});

test('a worker that has lost a shard leaves nothing in the table', async () => {
  await using queue = await ShardQueue.open('lost', { database: database.address });
  await queue.prepare({ lease: 10 });
  await queue.prepareVectors();
  const place = await writeShard(folder, [{ id: 1, embedding: [1, 2] }], 'lost.jsonl');
  const job: ShardJob = {
    task: 'embeddings',
    model: 'hf:owner/name',
    input: 'lost.jsonl',
    output: 'x',
    table: 'lost',
  };
  await queue.add([job]);
  const told: WorkedShard[] = [];
  const { signal } = new AbortController();
  const store = { table: 'lost', shard: job.input, path: place };
  let tries = 0;
  await work(
    queue,
    async () => {
      // The first time it is taken away while it is worked on.
      if (tries++ === 0)
        await database.query(
          "UPDATE webgpu_transformer.job SET state = 'retry', retry_count = 1, start_after = now() WHERE name = 'lost'",
        );
      return {
        path: place,
        status: 'written',
        rows: 1,
        store: async (db) => {
          await storeVectors(db, store);
          const { rows: own } = await db.executeSql('SELECT * FROM lost');
          expect(own).toHaveLength(1);
        },
      };
    },
    { signal, grace: 0, stays: false, report: (shard) => void told.push(shard) },
  );
  expect(told.map(({ status }) => status)).toEqual(['left', 'written']);
  expect(await database.query('SELECT shard, id, embedding::text FROM lost')).toEqual([
    { shard: 'lost.jsonl', id: '1', embedding: '[1,2]' },
  ]);
});

test('vectors that a table does not take are told, with the shard that has them', async () => {
  await database.query(
    'CREATE TABLE narrow (shard text, "row" integer, id text, embedding vector(3))',
  );
  await create('narrow', 'narrow', 'narrow');
  await workedOn('narrow');
  const { stdout } = await jobs('status', 'narrow');
  const { dead, done, deadShards } = JSON.parse(stdout) as {
    dead: number;
    done: number;
    deadShards: { message: string; code: string; tries: number }[];
  };
  expect({ dead, done }).toEqual({ dead: 2, done: 1 });
  for (const { message, code, tries } of deadShards) {
    expect(message).toMatch(
      /^The table narrow does not take the vectors of texts\/[ab]\.jsonl: expected 3 dim/,
    );
    expect({ code, tries }).toEqual({ code: 'INPUT_INVALID', tries: 1 });
  }
  expect(await database.query('SELECT * FROM narrow')).toEqual([]);
});

test('what has no table is refused', async () => {
  const wanted = 'a name of small letters, digits and _';
  for (const name of ['Documents', 'a b', 'x; DROP TABLE job', '"a"', 'a.b.c', '1a', '']) {
    expectRefusal(await create('wrong', name, 'wrong'), "The job's table", wanted);
  }
  const classes = ['--task', 'text-classification'];
  expectRefusal(await create('wrong', 'a', 'wrong', ...classes), 'it is for vectors');
  const tensors = ['--format', 'safetensors'];
  expectRefusal(await create('wrong', 'a', 'wrong', ...tensors), 'jsonl or parquet beside a table');
});

test('a PostgreSQL without pgvector says what to do', async () => {
  // Root does not run PostgreSQL itself, and who does must get in.
  await chmod(folder, 0o755);
  const places = [at('texts'), '--out', at('vectors'), '--table', 'documents'];
  expectRefusal(
    await here('jobs', 'create', ...places, ...creating, '--data', at('data')),
    '--table is for a PostgreSQL with pgvector',
    'leave --table out',
  );
});
