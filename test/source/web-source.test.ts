// Sources over a real network connection that fails in every way it can.
import { expect, test } from 'vitest';
import type { HttpOptions } from '../../src/source/http-options.ts';
import { httpSource } from '../../src/source/remote-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { fileSize, readFile, readJson, readRange, type Source } from '../../src/source/source.ts';
import { readFixture } from '../support/fixture.ts';
import { expectError } from '../support/safetensors.ts';
import { webFolder } from '../support/web.ts';

const FILE = 'model.safetensors';
const content = await readFixture('gpt2_sharded/model-00001-of-00004.safetensors');
const { length } = content;
const quick: HttpOptions = { retryDelay: 5 };
const inBrowser = 'document' in globalThis;

async function served(options: HttpOptions = quick): Promise<{
  web: ReturnType<typeof webFolder>;
  source: Source;
}> {
  const web = webFolder();
  await web.put(FILE, content);
  return { web, source: httpSource(web.url, options) };
}

async function load(source: Source): Promise<number> {
  const tensors = await openSafetensors(source);
  let loaded = 0;
  for await (const { entry, offset, bytes } of readTensors(source, tensors.values(), {
    chunkBytes: 4096,
  })) {
    const start = entry.start + offset;
    expectBytes(bytes, start, start + bytes.length);
    loaded += bytes.length;
  }
  return loaded;
}

/** Compares without the cost of a deep comparison. */
function expectBytes(got: Uint8Array | undefined, start: number, end: number): void {
  const wanted = content.subarray(start, end);
  expect(got?.length).toBe(wanted.length);
  expect(got?.findIndex((byte, i) => byte !== wanted[i])).toBe(-1);
}

/** Where a `bytes=START-` header starts. */
function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
}

test('a connection that is cut goes on from the byte where it stopped', async () => {
  const { web, source } = await served();
  await web.misbehave({ path: FILE, after: 10_000 }, { path: FILE, after: 5000 });
  const range = { start: 100, end: 30_100 };
  expectBytes(await readRange(source, FILE, range), 100, 30_100);
  const starts = (await web.requests()).map((request) => startOf(request.range));
  expect(starts).toEqual([100, 10_100, 15_100]);
});

test('a whole file goes on too, with ranges and without', async () => {
  for (const noRanges of [false, true]) {
    const { web, source } = await served();
    await web.misbehave({ path: FILE, after: 10_000 }, { path: FILE, noRanges });
    expectBytes(await readFile(source, FILE), 0, length);
    const requests = await web.requests();
    expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=10000-']);
  }
});

test('a connection that falls silent counts as cut', async () => {
  const { web, source } = await served({ ...quick, stallTimeout: 400 });
  await web.misbehave({ path: FILE, after: 7000, stalls: true });
  expectBytes(await readRange(source, FILE, { start: 0, end: 20_000 }), 0, 20_000);
  const starts = (await web.requests()).map((request) => startOf(request.range));
  expect(starts).toEqual([0, 7000]);
  await web.misbehave({ path: FILE, after: 0, stalls: true, times: 99 });
  const reading = readRange(source, FILE, { start: 0, end: 100 });
  await expectError(reading, 'FILE_UNREADABLE', 'broke off', 'nothing arrived for 0.4 s');
});

test('slow is not silent', async () => {
  // All of it takes longer than the wait for a part, which leaves a server that is busy a few seconds.
  const { web, source } = await served({ ...quick, stallTimeout: 5000 });
  await web.misbehave({ path: FILE, slow: 1300 });
  const start = performance.now();
  expectBytes(await readRange(source, FILE, { start: 0, end: 20_000 }), 0, 20_000);
  expect(performance.now() - start).toBeGreaterThan(5190);
  expect((await web.requests()).length).toBe(1);
});

test.each([500, 502, 503, 504, 429, 408])('status %i goes away by itself', async (status) => {
  const { web, source } = await served();
  const middle = [
    { path: FILE, after: 500 },
    { path: FILE, status },
  ];
  await web.misbehave({ path: FILE, status }, ...middle);
  expect(await readRange(source, FILE, { start: 0, end: 1000 })).toEqual(content.subarray(0, 1000));
  const starts = (await web.requests()).map((request) => startOf(request.range));
  expect(starts).toEqual([0, 0, 500, 500]);
});

test('the server says how long to wait, within reason', async () => {
  const { web, source } = await served();
  const start = performance.now();
  await web.misbehave({ path: FILE, status: 429, headers: { 'Retry-After': '1' } });
  await readRange(source, FILE, { start: 0, end: 10 });
  expect(performance.now() - start).toBeGreaterThan(990);

  await web.misbehave({ path: FILE, status: 429, headers: { 'Retry-After': '86400' } });
  const before = (await web.requests()).length;
  const reading = readRange(source, FILE, { start: 0, end: 10 });
  await expectError(reading, 'FILE_UNREADABLE', 'HTTP 429', 'try again later');
  expect((await web.requests()).length).toBe(before + 1);

  const date = new Date(Date.now() - 5000).toUTCString();
  await web.misbehave({ path: FILE, status: 503, headers: { 'Retry-After': date } });
  expect(await readRange(source, FILE, { start: 0, end: 10 })).toHaveLength(10);
});

test('retries end, and an abort ends them at once', async () => {
  const { web, source } = await served({ retries: 2, retryDelay: 5 });
  await web.misbehave({ path: FILE, status: 500, times: 99 });
  const reading = readRange(source, FILE, { start: 0, end: 10 });
  await expectError(reading, 'FILE_UNREADABLE', 'HTTP 500', FILE);
  expect((await web.requests()).length).toBe(3);

  const patient = httpSource(web.url, { retryDelay: 60_000 });
  const controller = new AbortController();
  const waiting = readRange(patient, FILE, { start: 0, end: 10 }, controller.signal);
  setTimeout(() => controller.abort(), 50);
  await expectError(waiting, 'ABORTED');
});

test('much progress between two failures counts them anew', async () => {
  const web = webFolder();
  const large = Uint8Array.from({ length: 1_200_000 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
  await web.put('large', large);
  // 64 KiB are much. What lies in buffers when a connection is cut does not arrive.
  await web.misbehave({ path: 'large', after: 200_000, times: 5 });
  const source = httpSource(web.url, { retries: 1, retryDelay: 5 });
  const range = { start: 0, end: large.length };
  const got = await readRange(source, 'large', range);
  expect(got.findIndex((byte, i) => byte !== large[i])).toBe(-1);
  await web.misbehave({ path: 'large', after: 1000, times: 5 });
  await expectError(readRange(source, 'large', range), 'FILE_UNREADABLE', 'broke off');
});

test('a length that does not hold', async () => {
  const { web, source } = await served();
  await web.misbehave({ path: FILE, announce: length + 100, after: length, times: 99 });
  // Another origin's answers may be compressed unseen, so a browser does not trust the length; what
  // the server says about the rest then shows that all is there.
  if (inBrowser) expectBytes(await readFile(source, FILE), 0, length);
  else await expectError(readFile(source, FILE), 'FILE_UNREADABLE', `${length + 100} bytes`);
  const short = [{ path: FILE, after: 9, times: 99 }];
  await web.misbehave(...short);
  const reading = readRange(source, FILE, { start: 0, end: length });
  await expectError(reading, 'FILE_UNREADABLE', 'broke off');
});

test('a server without ranges that is cut in the middle', async () => {
  const { web, source } = await served();
  await web.misbehave(
    { path: FILE, noRanges: true, after: 9000 },
    { path: FILE, noRanges: true, times: 99 },
  );
  expect(await load(source)).toBe(38912);
  expect((await web.requests()).length).toBe(2);
});

test('a load while everything fails now and then', async () => {
  const { web, source } = await served({ ...quick, stallTimeout: 200 });
  await web.misbehave(
    { path: FILE, after: 3 },
    { path: FILE, status: 503 },
    { path: FILE, after: 100, stalls: true },
    { path: FILE, after: 1000 },
    { path: FILE, status: 429, headers: { 'Retry-After': '0' } },
    { path: FILE, after: 0 },
  );
  expect(await load(source)).toBe(38912);
});

test('redirects are followed; a token does not leave its origin', async () => {
  const web = webFolder();
  await web.put('moved/f', content);
  const source = httpSource(web.url, { ...quick, token: 'secret-token' });
  for (const [place, leaves] of [
    [web.url, false],
    [web.elsewhere, true],
  ] as const) {
    const headers = { Location: `${place}/moved/f` };
    const range = { start: 10, end: 50 };
    await web.misbehave({ path: 'f', status: 302, headers });
    const before = (await web.requests()).length;
    expect(await readRange(source, 'f', range)).toEqual(content.subarray(10, 50));
    source.release?.();
    const [first, second] = (await web.requests()).slice(before);
    expect(first).toMatchObject({ path: 'f', authorization: 'Bearer secret-token' });
    expect(second).toMatchObject({ path: 'moved/f', range: 'bytes=10-49' });
    expect(second?.host).toContain(leaves ? 'localhost' : '127.0.0.1');
    expect(second?.authorization).toBe(leaves ? undefined : 'Bearer secret-token');
  }
});

test('redirects in a circle end', async () => {
  const { web, source } = await served({ retries: 1, retryDelay: 5 });
  const headers = { Location: `${web.url}/${FILE}` };
  await web.misbehave({ path: FILE, status: 302, headers, times: 999 });
  await expectError(readFile(source, FILE), 'FILE_UNREADABLE', 'could not be fetched', 'circle');
  expect((await web.requests()).length).toBeLessThan(50);
});

test('an answer that the page may not read is told from none', async () => {
  const { web, source } = await served();
  const hidden = { 'Access-Control-Allow-Origin': 'https://elsewhere.example' };
  await web.misbehave({ path: FILE, status: 200, headers: hidden, times: 9 });
  const before = (await web.requests()).length;
  if (!inBrowser) {
    expect(await readFile(source, FILE)).toBeDefined();
    return;
  }
  await expectError(readFile(source, FILE), 'FILE_UNREADABLE', 'sends no CORS headers');
  // Once, and once to see whether there is a server; not until all attempts are used up.
  expect((await web.requests()).length - before).toBe(2);
  const nobody = httpSource('http://127.0.0.1:9/m', quick);
  const none = await expectError(readFile(nobody, FILE), 'FILE_UNREADABLE', 'could not be fetched');
  expect(none.message).not.toContain('CORS');
});

test('what needs a login says how to give one', async () => {
  const { web, source } = await served();
  for (const status of [401, 403]) {
    await web.misbehave({ path: FILE, status });
    await expectError(readFile(source, FILE), 'FILE_UNREADABLE', `HTTP ${status}`, 'pass a token');
  }
});

test('a page in place of a JSON file is named', async () => {
  const { web, source } = await served();
  await web.put('config.json', '<!doctype html>', { 'Content-Type': 'text/html' });
  expect(await readJson(source, 'config.json')).toBeUndefined();
  const reading = readRange(source, 'config.json', { start: 0, end: 1 });
  await expectError(reading, 'FILE_NOT_FOUND', 'an HTML page in place of config.json');
});

test('a file that changes while it is read, with the size it had', async () => {
  const { web, source } = await served();
  await readRange(source, FILE, { start: 0, end: 10 });
  await web.put(FILE, content, { ETag: '"other"' });
  const reading = readRange(source, FILE, { start: 10, end: 20 });
  await expectError(reading, 'FILE_UNREADABLE', 'changed', 'other');
  expect(await readRange(source, FILE, { start: 10, end: 20 })).toEqual(content.subarray(10, 20));
});

test('a whole file that changes between two parts of it', async () => {
  const { web, source } = await served();
  await web.misbehave(
    { path: FILE, after: 1000 },
    { path: FILE, headers: { ETag: '"other"' }, times: 9 },
  );
  await expectError(readFile(source, FILE), 'FILE_UNREADABLE', 'changed');
});

test('more bytes than asked for are refused', async () => {
  const { web, source } = await served();
  const headers = { 'Content-Type': 'text/plain' };
  await web.misbehave({ path: FILE, status: 206, headers, body: 'x'.repeat(20), times: 9 });
  const reading = readRange(source, FILE, { start: 0, end: 10 });
  await expectError(reading, 'FILE_UNREADABLE', 'sent more than the bytes 0 to 10');
});

test('a size, where HEAD is refused', async () => {
  const { web, source } = await served();
  await web.misbehave({ path: FILE, method: 'HEAD', status: 405, times: 9 });
  expect(await fileSize(source, FILE)).toBe(length);
  expect(await load(source)).toBe(38912);
  source.release?.();
  await web.misbehave({ path: FILE, method: 'HEAD', status: 404 }, { path: FILE, noRanges: true });
  expect(await fileSize(source, FILE)).toBe(length);
  await web.misbehave({ path: 'other', method: 'HEAD', status: 500 });
  expect(await fileSize(source, 'other')).toBeUndefined();
});
