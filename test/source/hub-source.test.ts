// Repositories of the Hugging Face Hub, played by the server of the tests.
import { isCached, type SourceOptions } from 'webgpu-transformer';
import { expect, test } from 'vitest';
import { hubSource } from '../../src/source/remote-source.ts';
import { openSource } from '../../src/source/open-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import {
  readFile,
  readJson,
  readRange,
  requireJson,
  type Source,
} from '../../src/source/source.ts';
import { ownCache } from '../support/cache.ts';
import { readFixture } from '../support/fixture.ts';
import { expectError } from '../support/safetensors.ts';
import { webFolder, type WebFolder } from '../support/web.ts';

ownCache();
const MODEL = 'model.safetensors';
const config = await readFixture('marian/config.json');
const weights = await readFixture('marian/model.safetensors');
const wrongHash = '0'.repeat(64);

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Repository {
  readonly revision?: string;
  readonly commit?: string;
  readonly files?: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  readonly sha256?: string;
  readonly id?: string;
}

/** Puts a repository on a server as the Hub has it: a page about the revision, files by commit. */
async function publish(
  web: WebFolder,
  {
    revision = 'main',
    commit = 'c0ffee',
    files = { 'config.json': config, [MODEL]: weights },
    sha256,
    id = 'owner/name',
  }: Repository = {},
): Promise<void> {
  const siblings = [];
  for (const [rfilename, bytes] of Object.entries(files)) {
    await web.put(`${id}/resolve/${commit}/${rfilename}`, bytes);
    const hash = sha256 ?? (await hashOf(bytes));
    const large = rfilename === MODEL ? { lfs: { sha256: hash, size: bytes.length } } : {};
    const blobId = (await hashOf(bytes)).slice(0, 40);
    siblings.push({ rfilename, size: bytes.length, blobId, ...large });
  }
  const about = JSON.stringify({ id, sha: commit, siblings });
  await web.put(`api/models/${id}/revision/${encodeURIComponent(revision)}`, about);
}

const options = (web: WebFolder, more: SourceOptions = {}): SourceOptions => ({
  endpoint: web.url,
  ...more,
});

async function load(source: Source): Promise<number> {
  await requireJson(source, 'config.json');
  await readJson(source, 'generation_config.json');
  let loaded = 0;
  const tensors = await openSafetensors(source);
  for await (const { bytes } of readTensors(source, tensors.values())) loaded += bytes.length;
  source.release?.();
  return loaded;
}

test('one question tells what there is; files come from the commit', async () => {
  const web = webFolder();
  await publish(web);
  const source = openSource('hf:owner/name', options(web, { cache: false }));
  expect(source.name).toBe('hf:owner/name@main');
  await load(source);
  const paths = (await web.requests()).map(({ method, path }) => `${method} ${path}`);
  const folder = 'GET owner/name/resolve/c0ffee';
  expect(paths[0]).toBe('GET api/models/owner/name/revision/main?blobs=true');
  expect(new Set(paths.slice(1))).toEqual(new Set([`${folder}/config.json`, `${folder}/${MODEL}`]));
});

test('a push during a load does not mix two commits; the next load sees it', async () => {
  const web = webFolder();
  await publish(web);
  const source = openSource('hf:owner/name', options(web, { cache: false }));
  await requireJson(source, 'config.json');
  const files = { 'config.json': new TextEncoder().encode('{"new": true}') };
  await publish(web, { commit: 'beef', files });
  expect(await readRange(source, MODEL, { start: 0, end: 10 })).toHaveLength(10);
  source.release?.();
  expect(await requireJson(source, 'config.json')).toEqual({ new: true });
});

test('revisions, also those with a slash, and names without an owner', async () => {
  const web = webFolder();
  const revisions = { 'refs/pr/1': 'a1', 'v1.0': 'a2' };
  for (const [revision, commit] of Object.entries(revisions)) {
    const files = { 'config.json': new TextEncoder().encode(JSON.stringify({ revision })) };
    await publish(web, { revision, commit, files });
    const source = openSource(`hf:owner/name@${revision}`, options(web));
    expect(await requireJson(source, 'config.json')).toEqual({ revision });
  }
  await publish(web, { id: 'gpt2' });
  expect(await load(openSource('hf:gpt2', options(web)))).toBeGreaterThan(100_000);
  for (const place of ['hf:', 'hf:a/b/c', 'hf:../x', 'hf:a/..', 'hf:a b', 'hf:a/b@', 'hf:a/b?c']) {
    await expectError(() => openSource(place, options(web)), 'INPUT_INVALID', place, 'owner/name');
  }
});

test('a second load asks one question, and a new commit downloads what changed', async () => {
  const web = webFolder();
  await publish(web);
  await load(openSource('hf:owner/name', options(web)));
  expect(await isCached('hf:owner/name', options(web))).toBe(true);
  let before = (await web.requests()).length;
  await load(openSource('hf:owner/name', options(web)));
  expect((await web.requests()).length).toBe(before + 1);
  await load(openSource('hf:owner/name', options(web, { offline: true })));
  expect((await web.requests()).length).toBe(before + 1);

  before = (await web.requests()).length;
  const changed = new TextEncoder().encode('{"changed": true}');
  await publish(web, { commit: 'beef', files: { 'config.json': changed, [MODEL]: weights } });
  await load(openSource('hf:owner/name', options(web)));
  const after = (await web.requests()).slice(before).map(({ path }) => path);
  expect(after.slice(1)).toEqual(['owner/name/resolve/beef/config.json']);
});

test('bytes with another hash are refused and not kept', async () => {
  const web = webFolder();
  await publish(web, { sha256: wrongHash });
  for (let attempt = 0; attempt < 2; attempt++) {
    const loading = load(openSource('hf:owner/name', options(web)));
    await expectError(loading, 'FILE_INVALID', MODEL, 'hash', wrongHash);
    expect(await isCached('hf:owner/name', options(web))).toBe(false);
  }
  const offline = openSource('hf:owner/name', options(web, { offline: true }));
  await expectError(load(offline), 'FILE_NOT_FOUND', MODEL);
});

test('a mirror that only has files: their tags tell the hash', async () => {
  const web = webFolder();
  const sha256 = await hashOf(weights);
  const folder = 'owner/name/resolve/main';
  await web.put(`${folder}/config.json`, config);
  for (const [tag, fine] of [
    [{ 'X-Linked-Etag': `"${sha256}"`, ETag: '"x"' }, true],
    [{ ETag: `"${sha256}"` }, true],
    [{ 'X-Linked-Etag': `"${wrongHash}"`, ETag: '"y"' }, false],
    [{ ETag: `W/"${wrongHash}"` }, false],
    [{ ETag: '"any other"' }, true],
  ] as const) {
    await web.put(`${folder}/${MODEL}`, weights, tag);
    const loading = load(openSource('hf:owner/name', options(web)));
    if (fine) expect(await loading).toBeGreaterThan(100_000);
    else await expectError(loading, 'FILE_INVALID', wrongHash);
  }
  // Where it redirects, another server's tag says nothing.
  const other = { ETag: `"${wrongHash}"`, Location: `${web.elsewhere}/blob` };
  await web.put('blob', weights, { ETag: `"${wrongHash}"` });
  const moved = { path: MODEL, status: 302, headers: other, times: 99 };
  await web.misbehave(moved, { ...moved, method: 'HEAD' });
  expect(await load(openSource('hf:owner/name', options(web)))).toBeGreaterThan(100_000);
});

test('a repository without safetensors: what it has', async () => {
  const web = webFolder();
  await publish(web, { files: { 'config.json': config, 'b.bin': config, 'a.md': config } });
  for (const cache of [true, false]) {
    const source = openSource('hf:owner/name', options(web, { cache }));
    await expectError(openSafetensors(source), 'FILE_NOT_FOUND', 'config.json, b.bin, a.md');
  }
  await publish(web, { commit: 'b', files: { 'pytorch_model.bin': config } });
  const pickle = openSafetensors(openSource('hf:owner/name', options(web)));
  await expectError(pickle, 'FILE_NOT_FOUND', 'pytorch_model.bin', 'save_pretrained');
});

test('a repository or revision that is not there', async () => {
  const web = webFolder();
  await publish(web);
  for (const place of ['hf:owner/none', 'hf:owner/name@none']) {
    const source = openSource(place, options(web));
    const missing = requireJson(source, 'config.json');
    await expectError(missing, 'FILE_NOT_FOUND', place, 'no such repository or revision');
  }
});

test('gated and private repositories say how to get in; the token goes with every request', async () => {
  const web = webFolder();
  await publish(web);
  const about = 'api/models/owner/name/revision/main';
  for (const status of [401, 403]) {
    await web.misbehave({ path: about, status });
    const all = requireJson(openSource('hf:owner/name', options(web)), 'config.json');
    await expectError(
      all,
      'FILE_UNREADABLE',
      `HTTP ${status}`,
      'hf:owner/name@main is gated',
      '{ token }',
    );
    // The Hub shows the list of a gated repository to all.
    await web.misbehave({ path: 'config.json', status });
    const file = requireJson(openSource('hf:owner/name', options(web)), 'config.json');
    await expectError(file, 'FILE_UNREADABLE', 'gated or private', `${web.url}/owner/name`);
  }
  const before = (await web.requests()).length;
  await load(openSource('hf:owner/name', options(web, { token: 'hf_secret' })));
  const sent = (await web.requests()).slice(before).map(({ authorization }) => authorization);
  expect(sent.length).toBeGreaterThan(3);
  expect(new Set(sent)).toEqual(new Set(['Bearer hf_secret']));
});

test('the token does not follow a file to another origin', async () => {
  const web = webFolder();
  await publish(web);
  await web.put('blob', weights);
  const headers = { Location: `${web.elsewhere}/blob` };
  await web.misbehave({ path: MODEL, status: 302, headers, times: 99 });
  await load(openSource('hf:owner/name', options(web, { token: 'hf_secret' })));
  const requests = await web.requests();
  const away = requests.filter(({ path }) => path === 'blob');
  expect(away.length).toBeGreaterThan(2);
  expect(away.every(({ authorization }) => authorization === undefined)).toBe(true);
});

test('a busy server at the first question', async () => {
  const web = webFolder();
  await publish(web);
  const path = 'api/models/owner/name/revision/main';
  await web.misbehave(
    { path, status: 500 },
    { path, status: 429, headers: { 'Retry-After': '0' } },
  );
  const source = hubSource('hf:owner/name', { endpoint: web.url, retryDelay: 5 });
  expect(await readFile(source, 'config.json')).toHaveLength(config.length);
});
