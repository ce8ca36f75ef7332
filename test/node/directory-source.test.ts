import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import {
  fileExists,
  fileSize,
  readFile,
  readJson,
  readRange,
  requireJson,
} from '../../src/source/source.ts';
import { directorySource } from '../../src/node/directory-source.ts';
import { expectError } from '../support/safetensors.ts';

const ten = Uint8Array.from({ length: 10 }, (_, i) => i);
let root = '';
let folder = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-source-'));
  folder = join(root, 'bert-base');
  await mkdir(join(folder, 'sub'), { recursive: true });
  await mkdir(join(root, 'gpt2'));
  await writeFile(join(folder, 'ten'), ten);
  await writeFile(join(folder, 'sub', 'x.json'), '{"x": 1}');
  await writeFile(join(root, 'secret'), 'secret');
  await symlink('../../secret', join(folder, 'sub', 'link'));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

/** Open files of this process below the test's folder; Linux tells them. */
async function openFiles(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const { readdir, readlink } = await import('node:fs/promises');
  const numbers = await readdir('/proc/self/fd');
  const paths = numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => ''));
  return (await Promise.all(paths)).filter((path) => path.startsWith(root));
}

test('whole files, ranges, sizes and missing files', async () => {
  for (const path of [folder, pathToFileURL(folder), pathToFileURL(folder).href]) {
    const source = directorySource(path);
    expect(source.name).toBe(folder);
    expect(await readFile(source, 'ten')).toEqual(ten);
    expect(await readRange(source, 'ten', { start: 3, end: 7 })).toEqual(ten.slice(3, 7));
    expect(await readJson(source, 'sub/x.json')).toEqual({ x: 1 });
    expect(await fileSize(source, 'ten')).toBe(10);
    expect(await readFile(source, 'missing')).toBeUndefined();
    expect(await readFile(source, 'ten/x.json')).toBeUndefined();
    expect(await fileSize(source, 'missing')).toBeUndefined();
    expect(await fileExists(source, 'sub/x.json')).toBe(true);
  }
  expect(await openFiles()).toEqual([]);
});

test('a range past the end takes no memory for what is not there', async () => {
  const source = directorySource(folder);
  const range = { start: 8, end: Number.MAX_SAFE_INTEGER };
  await expectError(readRange(source, 'ten', range), 'FILE_TRUNCATED', 'ten', 'got 2 bytes');
  const beyond = readRange(source, 'ten', { start: 20, end: 30 });
  await expectError(beyond, 'FILE_TRUNCATED', 'got 0 bytes');
});

test('a few bytes of a file of 5 GiB are read as fast as of a small one', async () => {
  const path = join(folder, 'sparse');
  await writeFile(path, '');
  await truncate(path, 5 * 2 ** 30);
  const source = directorySource(folder);
  const before = process.memoryUsage().arrayBuffers;
  const range = { start: 5 * 2 ** 30 - 4, end: 5 * 2 ** 30 };
  expect(await readRange(source, 'sparse', range)).toEqual(new Uint8Array(4));
  expect(await fileSize(source, 'sparse')).toBe(5 * 2 ** 30);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
});

test('links inside the directory are followed, names cannot leave it', async () => {
  const source = directorySource(folder);
  expect(new TextDecoder().decode(await readFile(source, 'sub/link'))).toBe('secret');
  for (const file of ['../secret', join(root, 'secret'), 'sub/../../secret', 'C:\\x', '']) {
    await expectError(source.read(file), 'FILE_INVALID', JSON.stringify(file));
    await expectError(readFile(source, file), 'FILE_INVALID', JSON.stringify(file));
    await expectError(source.size!(file), 'FILE_INVALID', JSON.stringify(file));
  }
});

test('a path that is no directory', async () => {
  const misspelt = directorySource(join(root, 'bert_bsae'));
  const next = `Did you mean ${join(root, 'bert-base')}?`;
  await expectError(readFile(misspelt, 'x'), 'FILE_NOT_FOUND', join(root, 'bert_bsae'), next);
  await expectError(fileSize(misspelt, 'x'), 'FILE_NOT_FOUND', next);
  const strange = directorySource(join(root, 'something-else'));
  const error = await expectError(readFile(strange, 'x'), 'FILE_NOT_FOUND', 'Check the path');
  expect(error.message).not.toContain('Did you mean');
  const deep = directorySource(join(root, 'nowhere', 'at', 'all'));
  await expectError(
    readFile(deep, 'x'),
    'FILE_NOT_FOUND',
    `${join(root, 'nowhere', 'at')} does not`,
  );
  const file = directorySource(join(folder, 'ten'));
  await expectError(readFile(file, 'x'), 'FILE_NOT_FOUND', 'is a file', `the model: ${folder}.`);
});

test('what is there but cannot be read is no missing file', async () => {
  const error = await expectError(
    readFile(directorySource(root), 'gpt2'),
    'FILE_UNREADABLE',
    `gpt2 (in ${root})`,
    'EISDIR',
  );
  expect(error.cause).toMatchObject({ code: 'EISDIR' });
});

test('a pipe that nobody writes to is no file, and is not waited for', async () => {
  if (process.platform === 'win32') return;
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const source = directorySource(folder);
  await expectError(readFile(source, 'pipe'), 'FILE_UNREADABLE', 'pipe (in', 'device or pipe');
  await rm(join(folder, 'pipe'));
});

test('an abort closes the file', async () => {
  const source = directorySource(folder);
  const controller = new AbortController();
  const reading = readFile(source, 'ten', { signal: controller.signal });
  controller.abort();
  await expectError(reading, 'ABORTED');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await openFiles()).toEqual([]);
});

test('a sharded checkpoint streams from disk and leaves no file open', async () => {
  const source = directorySource(new URL('../fixtures/gpt2_sharded/', import.meta.url));
  const tensors = await openSafetensors(source);
  let loaded = 0;
  for await (const { bytes } of readTensors(source, tensors.values(), { chunkBytes: 1000 })) {
    loaded += bytes.length;
  }
  expect(loaded).toBe(4 * 30848);
  for await (const _ of readTensors(source, tensors.values(), { chunkBytes: 1000 })) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await openFiles()).filter((path) => path.endsWith('.safetensors'))).toEqual([]);
});

test('a folder without weights: what it has', async () => {
  const opening = openSafetensors(directorySource(folder));
  await expectError(opening, 'FILE_NOT_FOUND', 'model.safetensors', 'It holds', 'ten');
});

test('an empty folder, a name of the Hub and other addresses are told apart', async () => {
  const empty = directorySource(join(root, 'gpt2'));
  await expectError(requireJson(empty, 'config.json'), 'FILE_NOT_FOUND', 'The folder is empty');
  const reading = (path: string): Promise<unknown> => readFile(directorySource(path), 'ten');
  await expectError(reading('owner/name'), 'FILE_NOT_FOUND', 'Did you mean hf:owner/name');
  await expectError(reading('owner/name@v1.0'), 'FILE_NOT_FOUND', 'hf:owner/name@v1.0');
  await expectError(reading('s3://bucket/model'), 'FILE_NOT_FOUND', 'not read over s3', 'https');
  const near = await expectError(reading(join(root, 'bert-bas')), 'FILE_NOT_FOUND', folder);
  expect(near.message).not.toContain('hf:');
  await expectError(() => directorySource('file://host/x%00'), 'INPUT_INVALID', 'file://host/x');
});
