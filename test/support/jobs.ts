// A PostgreSQL and a folder of shards for tests of queued jobs, which the file that asks for them takes away. Node only.

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { ShardQueue } from '../../src/cli/jobs/shard-queue.ts';
import { taskFiles } from './tasks.ts';

export interface JobsFolder {
  /** Where shards, a model of vectors and outputs are. */
  readonly root: string;
  /** Where the embedded server is. */
  readonly data: string;
}

/** A root with a tiny model in `model`, and a server that runs until the file ends, whoever leaves it. */
export async function jobsFolder(): Promise<JobsFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobs-'));
  // Root does not run PostgreSQL itself, and who does must get in.
  await chmod(folder, 0o755);
  const [root, data] = [path.join(folder, 'root'), path.join(folder, 'data')];
  await putModel(root);
  const held = await ShardQueue.open('held', { data });
  afterAll(async () => {
    await held[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  return { root, data };
}

/** Puts a tiny model of vectors into `model` of a folder. */
export async function putModel(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'model'), { recursive: true });
  for (const [name, bytes] of Object.entries(await taskFiles('bert/features'))) {
    await writeFile(path.join(folder, 'model', name), bytes);
  }
}

/** The address of the server in a folder. */
export async function addressIn(data: string): Promise<string> {
  const [password, settings] = await Promise.all([
    readFile(path.join(data, 'server/password'), 'utf8'),
    readFile(path.join(data, 'server/data/postgresql.conf'), 'utf8'),
  ]);
  const [, port] = /^port = (\d+)$/m.exec(settings) ?? [];
  return `postgres://postgres:${password.trim()}@127.0.0.1:${port}/postgres`;
}

/** The files of a folder by their names, as texts; none where there is no folder. */
export async function outputsIn(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder).catch(() => []);
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await readFile(path.join(folder, name), 'utf8');
  return files;
}
