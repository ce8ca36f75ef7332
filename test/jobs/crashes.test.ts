// A process that is killed, and a disk that is full, in the middle of a shard: no output, and the next call gives what an
// undisturbed one gives, byte for byte.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { compactWgsl, external } from '../support/library-build.ts';
import { inFolder, readShard, textsOf, writeShard } from '../support/shards.ts';
import { taskFiles } from '../support/tasks.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Starts the program of this test. */
type Start = (out: string, limit?: number) => ChildProcess;

async function prepared(folder: string): Promise<Start> {
  // Where packages are found.
  const program = path.join(root, 'node_modules/.cache/test-jobs');
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    plugins: [compactWgsl],
    build: {
      ssr: 'test/support/shard-process.ts',
      outDir: program,
      emptyOutDir: true,
      rolldownOptions: { external },
    },
  });
  const model = path.join(folder, 'model');
  await mkdir(model);
  for (const [name, bytes] of Object.entries(await taskFiles('bert/features'))) {
    await writeFile(path.join(model, name), bytes);
  }
  const shard = await writeShard(
    folder,
    textsOf(40).map((text) => ({ text })),
  );
  return (out, limit) => {
    const args = [path.join(program, 'shard-process.js'), model, shard, out];
    const more = limit === undefined ? [] : [String(limit)];
    return spawn(process.execPath, [...args, ...more], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
}

test('a shard whose process is killed, or whose disk is full, is done again as if nothing was', async () => {
  await inFolder(async (folder) => {
    const start = await prepared(folder);
    const [whole, out] = [path.join(folder, 'whole'), path.join(folder, 'out')];
    expect(await ended(start(whole))).toMatchObject({ code: 0 });
    const [name = ''] = await readdir(whole);
    expect(name).toMatch(/^part-7\.[\da-f]{12}\.jsonl$/);
    const rows = await readShard(path.join(whole, name));
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, row) => row));

    const child = start(out);
    await reaches(child, 20);
    child.kill('SIGKILL');
    expect(await ended(child)).toMatchObject({ signal: 'SIGKILL' });
    const left = await readdir(out);
    expect(left).toEqual([expect.stringMatching(new RegExp(`^${name}\\..*\\.partial$`))]);

    // A limit on the size of files is the full disk that everybody may have.
    const { code, errors } = await ended(start(out, 2000));
    expect(code).toBe(1);
    expect(errors).toContain("code: 'FILE_UNWRITABLE'");
    expect(errors).toContain('EFBIG');
    expect(await readdir(out)).toEqual([]);

    expect(await ended(start(out))).toMatchObject({ code: 0 });
    expect(await readdir(out)).toEqual([name]);
    const [again, wanted] = [
      await readFile(path.join(out, name)),
      await readFile(path.join(whole, name)),
    ];
    expect(again.equals(wanted)).toBe(true);
  });
}, 180_000);

/** Waits until so many rows are through. */
async function reaches(child: ChildProcess, rows: number): Promise<void> {
  let printed = '';
  for await (const text of child.stdout!) {
    printed += String(text);
    if (Number(printed.trim().split('\n').at(-1)) >= rows) return;
  }
  throw new Error(`The process ended before ${rows} rows were through: ${printed}`);
}

async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; errors: string }> {
  let errors = '';
  child.stderr!.on('data', (text) => (errors += String(text)));
  child.stdout!.resume();
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, errors };
}
