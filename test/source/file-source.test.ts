// Files that a user dropped or chose.
import { expect, test } from 'vitest';
import { openSource } from '../../src/source/open-source.ts';
import { fileSize, readFile, readRange, type Source } from '../../src/source/source.ts';
import { expectError } from '../support/safetensors.ts';

const inBrowser = 'document' in globalThis;

/** A file, with the path it has in a chosen folder. */
function file(path: string, content: string): File {
  const made = new File([content], path.split('/').at(-1) ?? '');
  if (path.includes('/')) Object.defineProperty(made, 'webkitRelativePath', { value: path });
  return made;
}

async function text(source: Source, name: string): Promise<string | undefined> {
  const bytes = await readFile(source, name);
  return bytes && new TextDecoder().decode(bytes);
}

test('files by their names, whole and in part', async () => {
  const source = openSource([file('config.json', '{}'), file('model.safetensors', '0123456789')]);
  expect(await text(source, 'config.json')).toBe('{}');
  const range = { start: 2, end: 5 };
  expect(await readRange(source, 'model.safetensors', range)).toEqual(
    Uint8Array.of(0x32, 0x33, 0x34),
  );
  expect(await fileSize(source, 'model.safetensors')).toBe(10);
  expect(await readFile(source, 'other.json')).toBeUndefined();
  expect(await source.list?.()).toEqual(['config.json', 'model.safetensors']);
  const missing = readRange(source, 'other', range);
  await expectError(missing, 'FILE_NOT_FOUND', 'other', 'the given files');
});

test('a chosen folder: the model is where its uppermost config.json is', async () => {
  const source = openSource([
    file('download/notes.txt', 'n'),
    file('download/marian/onnx/config.json', 'inner'),
    file('download/marian/config.json', 'outer'),
    file('download/marian/onnx/model.bin', 'm'),
  ]);
  expect(await text(source, 'config.json')).toBe('outer');
  expect(source.name).toBe('download/marian');
  expect(await text(source, 'onnx/config.json')).toBe('inner');
  expect(await text(source, 'notes.txt')).toBeUndefined();
});

test('what is no list of files of one model', async () => {
  const twice = [file('config.json', '1'), file('config.json', '2')];
  await expectError(
    readFile(openSource(twice), 'config.json'),
    'FILE_INVALID',
    'two files config.json',
  );
  const texts = ['config.json'] as unknown as File[];
  await expectError(readFile(openSource(texts), 'config.json'), 'INPUT_INVALID', 'string', 'File');
});

test('a file list of an input', async () => {
  if (!inBrowser) return;
  const transfer = new DataTransfer();
  transfer.items.add(file('config.json', 'listed'));
  expect(await text(openSource(transfer.files), 'config.json')).toBe('listed');
});

test('a handle of a folder', async () => {
  if (!inBrowser) return;
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle('chosen', { create: true });
  const inner = await folder.getDirectoryHandle('inner', { create: true });
  for (const [at, name] of [
    [folder, 'config.json'],
    [inner, 'f.bin'],
  ] as const) {
    const stream = await (await at.getFileHandle(name, { create: true })).createWritable();
    await stream.write(name);
    await stream.close();
  }
  const source = openSource(folder);
  expect(source.name).toBe('chosen');
  expect(await text(source, 'config.json')).toBe('config.json');
  expect(await text(source, 'inner/f.bin')).toBe('f.bin');
  expect(await fileSize(source, 'inner/f.bin')).toBe(5);
  for (const missing of ['none', 'none/f.bin', 'inner/none']) {
    expect(await readFile(source, missing)).toBeUndefined();
  }
  expect((await source.list?.())?.toSorted()).toEqual(['config.json', 'inner']);
  await expectError(readFile(source, '../secret'), 'FILE_INVALID');
  await root.removeEntry('chosen', { recursive: true });
});
