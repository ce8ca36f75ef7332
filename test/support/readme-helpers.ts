// What the snippets of README.md and of docs/ are given when they run as tests: checks of their answers, the output
// they write to, and what their stages need.

import { expect, onTestFinished } from 'vitest';
import type { Source } from 'webgpu-transformer';
import type { Target } from '../../src/source/target.ts';
import { readFixture } from './fixture.ts';
import { type Files, memorySource } from './source.ts';
import { pictureFiles, taskFiles } from './tasks.ts';
import { webFolder, type WebFolder } from './web.ts';

export { expect } from 'vitest';

let output = '';
let count = 0;

/** Stands for Node's, so that what a snippet writes can be compared. */
export const process: { readonly stdout: { write(text: string): void } } = {
  stdout: {
    write(text) {
      output += text;
    },
  },
};

/** Compares a value with the answer in the document. */
export function check(value: unknown, answer: unknown): void {
  count += 1;
  expect(value).toEqual(answer);
}

/** Compares what was written with the answer in the document. */
export function written(answer: string): void {
  count += 1;
  expect(output).toBe(answer);
  output = '';
}

/** How many answers were compared since the last call. */
export function compared(): number {
  const before = count;
  count = 0;
  return before;
}

/** The embedded model, without its tokenizer. */
async function phrases(): Promise<Files> {
  const names = ['config.json', 'generation_config.json', 'model.safetensors'];
  const files = await Promise.all(names.map((name) => readFixture(`models/phrases/${name}`)));
  return Object.fromEntries(names.map((name, i) => [name, files[i] ?? new Uint8Array(0)]));
}

async function serve(web: WebFolder, files: Files, under = ''): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await web.put(under + name, bytes);
}

// What the stages name (readme-stages.ts, docs-stages.ts).

export { fixtureSource as source } from './source.ts';

/** A tiny checkpoint for a task. */
export async function task(name: string): Promise<Source> {
  return memorySource(await taskFiles(name));
}

/** A file of a picture. */
export function picture(): Promise<Uint8Array> {
  return readFixture('processors/odd.png');
}

/** A sound. */
export function sound(): Promise<Uint8Array> {
  return readFixture('whisper_task/one.wav');
}

/** A tiny model that writes of pictures. */
export async function captioner(): Promise<Source> {
  return memorySource({
    ...(await taskFiles('gpt2')),
    ...(await pictureFiles('trocr', 'captions')),
  });
}

/** A folder with pictures of two kinds, as a visitor has chosen it. */
export async function pets(): Promise<readonly File[]> {
  const bytes = new Uint8Array(await readFixture('processors/odd.png'));
  return ['cat', 'dog'].map((name) =>
    Object.defineProperty(new File([bytes], 'one.png'), 'webkitRelativePath', {
      value: `pets/${name}/one.png`,
    }),
  );
}

/** The same with objects in the pictures. */
export async function street(): Promise<readonly File[]> {
  const bytes = new Uint8Array(await readFixture('processors/odd.png'));
  const rowOf = (name: string, bbox: number[][], categories: string[]): string =>
    JSON.stringify({ file_name: name, objects: { bbox, categories } });
  const rows = [rowOf('1.png', [[1, 1, 4, 3]], ['car']), rowOf('2.png', [[0, 0, 5, 2]], ['bike'])];
  return [
    new File([rows.join('\n')], 'metadata.jsonl'),
    ...['1.png', '2.png'].map((name) => new File([bytes], name)),
  ];
}

/** The same of a sound and its text. */
export async function speech(): Promise<readonly File[]> {
  const bytes = new Uint8Array(await readFixture('whisper_task/one.wav'));
  return [
    new File(['file_name,transcription\none.wav,Hallo'], 'metadata.csv'),
    new File([bytes], 'one.wav'),
  ];
}

/** Conversations, a row each. */
export function chats(): File {
  const messages = [{ role: 'assistant', content: 'Marie' }];
  return new File([JSON.stringify({ messages })], 'chats.jsonl');
}

/** Texts, a row each. */
export function texts(): File {
  return new File([JSON.stringify({ text: 'Marie Curie' })], 'texts.jsonl');
}

/** A file in GGUF, as a visitor has chosen it. */
export async function chosenFile(): Promise<readonly File[]> {
  return [new File([new Uint8Array(await readFixture('gguf/llama_k.gguf'))], 'name-Q4_K_M.gguf')];
}

/** Any web server, with the embedded model. */
export async function server(): Promise<string> {
  const web = webFolder();
  await serve(web, await phrases());
  return `${web.url}/`;
}

/** The Hub, with a tiny chat model, the embedded one as another revision of it, and a file in GGUF. */
export async function hub(): Promise<string> {
  const web = webFolder();
  await serve(web, await taskFiles('gpt2'), 'owner/name/resolve/main/');
  await serve(web, await phrases(), 'owner/name/resolve/revision/');
  const gguf = { 'name-Q4_K_M.gguf': await readFixture('gguf/llama_k.gguf') };
  await serve(web, gguf, 'owner/name-GGUF/resolve/main/');
  return web.url;
}

/** An input element whose files a visitor has chosen. */
export async function input(): Promise<{ readonly files: readonly File[] }> {
  const files = Object.entries(await phrases());
  return { files: files.map(([name, bytes]) => new File([bytes], name)) };
}

const folders = new Map<string, Target & Source>();

/** A folder that does not outlive the test: one of this name, or a new one. */
export function folder(name?: string): Target & Source {
  const known = name === undefined ? undefined : folders.get(name);
  const opened = known ?? newFolder();
  if (name !== undefined) folders.set(name, opened);
  return opened;
}

/** The path of a folder on disk, taken away behind the test. Node only. */
export async function disk(): Promise<string> {
  const [{ mkdtemp, rm }, { tmpdir }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
  ]);
  const made = await mkdtemp(`${tmpdir()}/docs-`);
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

function newFolder(): Target & Source {
  const files = new Map<string, Uint8Array>();
  return {
    name: 'a folder',
    read: async (file, range) => files.get(file)?.subarray(range?.start, range?.end),
    write: async (file, bytes) => void files.set(file, bytes.slice()),
  };
}
