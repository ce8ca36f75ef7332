// The cache in Node: where it is, and processes that use it at once or are killed.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearCache, directoryTarget, isCached } from 'webgpu-transformer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { build } from 'vite';
import { openSource } from '../../src/source/open-source.ts';
import { readFile, readJson } from '../../src/source/source.ts';
import { cacheFolder } from '../../src/node/cache-folder.ts';
import '../../src/index.node.ts';
import { openTarget } from '../../src/source/target.ts';
import { readFixture } from '../support/fixture.ts';
import { expectError } from '../support/safetensors.ts';
import { webFolder, type WebFolder } from '../support/web.ts';

const root = join(import.meta.dirname, '..', '..');
let scratch = '';
let program = '';

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'cache-'));
  // Inside the repository, so that it finds the packages it needs.
  program = await mkdtemp(join(root, 'node_modules', '.cache-process-'));
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    build: { ssr: 'test/support/cache-process.ts', outDir: program, emptyOutDir: true },
  });
});

afterAll(async () => {
  await rm(scratch, { recursive: true });
  await rm(program, { recursive: true });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

async function served(): Promise<WebFolder> {
  const web = webFolder();
  for (const file of ['config.json', 'model.safetensors']) {
    await web.put(file, await readFixture(`marian/${file}`));
  }
  return web;
}

/** Loads in a process of its own; killed after some milliseconds, if at all. */
async function load(
  web: WebFolder,
  cache: string,
  { killAfter, offline = '' }: { killAfter?: number; offline?: string } = {},
): Promise<{ output: string; errors: string; signal: string | null }> {
  const env = { ...process.env, WEBGPU_TRANSFORMER_CACHE: cache };
  const script = join(program, 'cache-process.js');
  const child = spawn(process.execPath, [script, web.url, offline], { env });
  let output = '';
  let errors = '';
  child.stdout.on('data', (text) => (output += String(text)));
  child.stderr.on('data', (text) => (errors += String(text)));
  const ended = once(child, 'close');
  if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
  const [, signal] = (await ended) as [number | null, string | null];
  return { output: output.trim(), errors, signal };
}

test('processes at once share a cache, and any of them may be killed', async () => {
  const web = await served();
  const cache = join(scratch, 'shared');
  const wanted = (await load(web, join(scratch, 'alone'))).output;
  expect(Number(wanted)).toBeGreaterThan(100_000);
  const loads = await Promise.all([
    load(web, cache),
    load(web, cache),
    load(web, cache, { killAfter: 350 }),
    load(web, cache, { killAfter: 450 }),
  ]);
  for (const { output, errors, signal } of loads) {
    if (signal !== 'SIGKILL') expect({ output, errors }).toEqual({ output: wanted, errors: '' });
  }
  const before = (await web.requests()).length;
  const offline = await load(web, cache, { offline: 'offline' });
  expect(offline).toEqual({ output: wanted, errors: '', signal: null });
  expect((await web.requests()).length).toBe(before);
});

test('a killed download is gone on with', async () => {
  const web = await served();
  const cache = join(scratch, 'killed');
  for (const killAfter of [250, 300, 350, 400, 450]) await load(web, cache, { killAfter });
  // It stops in the middle for certain: the server falls silent.
  await web.misbehave({ path: 'model.safetensors', after: 5000, stalls: true, times: 99 });
  await load(web, cache, { killAfter: 1500 });
  await web.misbehave();
  const { output, errors } = await load(web, cache);
  expect(errors).toBe('');
  expect(Number(output)).toBeGreaterThan(100_000);
  expect((await load(web, cache, { offline: 'offline' })).output).toBe(output);
});

test('the folder: given, by the environment, or of the system', async () => {
  const web = webFolder();
  await web.put('f.json', '{}');
  const [given, environment] = [join(scratch, 'given'), join(scratch, 'environment')];
  await readJson(openSource(web.url, { cache: given }), 'f.json');
  expect(await readdir(given)).toEqual(['webgpu-transformer']);
  vi.stubEnv('WEBGPU_TRANSFORMER_CACHE', environment);
  await readJson(openSource(web.url), 'f.json');
  expect(await readdir(environment)).toEqual(['webgpu-transformer']);
  vi.stubEnv('WEBGPU_TRANSFORMER_CACHE', '');
  for (const [platform, variable] of [
    ['linux', 'XDG_CACHE_HOME'],
    ['win32', 'LOCALAPPDATA'],
  ] as const) {
    const system = join(scratch, platform);
    vi.stubEnv(variable, system);
    const before = vi.spyOn(process, 'platform', 'get').mockReturnValue(platform);
    await cacheFolder().write('a/b', Uint8Array.of(1));
    before.mockRestore();
    expect(await readdir(system)).toEqual(['webgpu-transformer']);
  }
});

test('clearing leaves what is not ours', async () => {
  const cache = join(scratch, 'mixed');
  await mkdir(cache);
  await writeFile(join(cache, 'mine.txt'), 'mine');
  const web = webFolder();
  await web.put('f.json', '{}');
  await readJson(openSource(web.url, { cache }), 'f.json');
  await clearCache(undefined, { cache });
  expect(await readdir(cache)).toEqual(['mine.txt']);
});

test('the environment names the endpoint and the token of hf:, and only together', async () => {
  const web = webFolder();
  await web.put('owner/name/resolve/main/config.json', '{}');
  const cache = join(scratch, 'hub');
  vi.stubEnv('HF_ENDPOINT', web.url);
  vi.stubEnv('HF_TOKEN', 'hf_environment');
  await readFile(openSource('hf:owner/name', { cache }), 'config.json');
  const mine = new Set((await web.requests()).map(({ authorization }) => authorization));
  expect(mine).toEqual(new Set(['Bearer hf_environment']));

  const other = webFolder();
  await other.put('owner/name/resolve/main/config.json', '{}');
  const endpoint = other.url;
  await readFile(openSource('hf:owner/name', { cache, endpoint }), 'config.json');
  await readFile(openSource(other.url, { cache }), 'config.json');
  const theirs = new Set((await other.requests()).map(({ authorization }) => authorization));
  expect(theirs).toEqual(new Set([undefined]));
  expect(await isCached('hf:owner/name', { cache, endpoint })).toBe(false);
});

test('what killed processes left is removed in time', async () => {
  const cache = join(scratch, 'left');
  const store = cacheFolder(cache);
  await store.write('a/b', Uint8Array.of(1));
  const own = join(cache, 'webgpu-transformer', 'a');
  for (const [name, age] of [
    ['b.1-1.partial', 7200],
    ['b.1-2.partial', 5],
  ] as const) {
    await writeFile(join(own, name), 'x');
    const time = Date.now() / 1000 - age;
    await utimes(join(own, name), time, time);
  }
  await store.list('a');
  expect((await readdir(own)).toSorted()).toEqual(['b', 'b.1-2.partial']);

  const folder = join(scratch, 'target');
  const target = directoryTarget(folder);
  await target.write('f', Uint8Array.of(1));
  // No system has a process of so high a number.
  const host = hostname()
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, 40);
  const hour = 3600;
  const left: readonly (readonly [name: string, age: number, stays: boolean])[] = [
    [`f.${host}.99999999-1.partial`, 0, false],
    // A container that starts again has the number of the one before.
    [`f.${host}.${process.pid}-9.partial`, 0, false],
    [`f.${host}.${process.ppid}-9.partial`, 48 * hour, true],
    [`other.${host}.99999999-1.partial`, 0, true],
    ['f.elsewhere.1-1.partial', hour, true],
    ['f.elsewhere.1-2.partial', 25 * hour, false],
  ];
  for (const [name, age] of left) {
    await writeFile(join(folder, name), 'x');
    const time = Date.now() / 1000 - age;
    await utimes(join(folder, name), time, time);
  }
  await target.write('f', Uint8Array.of(2));
  const staying = left.filter(([, , stays]) => stays).map(([name]) => name);
  expect((await readdir(folder)).toSorted()).toEqual(['f', ...staying].toSorted());
});

test('pipes and folders where files of the cache should be are not read', async () => {
  if (process.platform === 'win32') return;
  const web = webFolder();
  await web.put('f.json', '{"a": 1}');
  const cache = join(scratch, 'pipes');
  await readJson(openSource(web.url, { cache }), 'f.json');
  for (const command of ['mkfifo', 'mkdir']) {
    const entries = await readdir(cache, { recursive: true, withFileTypes: true });
    const piece = entries.find(({ name }) => name.startsWith('0-8-'))!;
    const path = join(piece.path, piece.name);
    await rm(path, { recursive: true });
    execFileSync(command, [path]);
    expect(await readJson(openSource(web.url, { cache }), 'f.json')).toEqual({ a: 1 });
  }
});

test('places to save to that are none', async () => {
  for (const wrong of [null, undefined, 5, '', {}, { write: 1 }, []] as unknown as string[]) {
    await expectError(() => openTarget(wrong), 'INPUT_INVALID', 'No place to save to');
  }
});
