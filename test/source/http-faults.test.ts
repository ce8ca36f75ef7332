// Servers and `fetch`es that do what they should not: each read ends soon, right or with a typed error,
// and no message says a secret.
import { expect, test } from 'vitest';
import type { HttpOptions } from '../../src/source/http-options.ts';
import { openSource } from '../../src/source/open-source.ts';
import { httpSource, hubSource } from '../../src/source/remote-source.ts';
import { fileSize, readFile, readRange } from '../../src/source/source.ts';
import { expectError } from '../support/safetensors.ts';

const ten = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
const FOLDER = 'https://host.example/m';
const never = new Promise<never>(() => undefined);
const quick = { retries: 1, retryDelay: 1, stallTimeout: 60 };

function answering(
  answer: (init: RequestInit) => unknown,
  options: HttpOptions = quick,
): { source: ReturnType<typeof httpSource>; calls: () => number } {
  let calls = 0;
  const fetch = ((_: string, init: RequestInit) => {
    calls++;
    return answer(init);
  }) as typeof globalThis.fetch;
  return { source: httpSource(FOLDER, { ...options, fetch }), calls: () => calls };
}

/** An answer with a part of a file. */
function part(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Response {
  return new Response(bytes, { status: 206, headers });
}

/** A body that gives `chunk` every few milliseconds, and heeds no signal. */
function dripping(chunk: Uint8Array, milliseconds: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
      });
      controller.enqueue(chunk);
    },
  });
}

test('a fetch that never answers and heeds no signal', async () => {
  const { source, calls } = answering(() => never);
  await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'got no answer', 'for 0.06 s');
  expect(calls()).toBe(2);
  await expectError(fileSize(source, 'f'), 'FILE_UNREADABLE', 'got no answer');
});

test('a body that never comes and heeds no signal', async () => {
  const { source } = answering(() => new Response(new ReadableStream()));
  await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'broke off: nothing arrived');
});

test('a byte now and then is too little', async () => {
  const { source } = answering(() => new Response(dripping(ten.slice(0, 1), 10)));
  await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'no more than', 'bytes arrived for');
});

test('without a limit a slow answer is waited for', async () => {
  for (const stallTimeout of [Infinity, 1e12]) {
    const slow = async (): Promise<Response> => {
      await new Promise((resolve) => {
        setTimeout(resolve, 30);
      });
      return new Response(ten);
    };
    const { source, calls } = answering(slow, { ...quick, stallTimeout });
    expect(await readFile(source, 'f')).toEqual(ten);
    expect(calls()).toBe(1);
  }
});

test('a body without end is cut where it is longer than it may be', async () => {
  const { source, calls } = answering(
    () => new Response(dripping(new Uint8Array(4096), 0), { status: 206 }),
  );
  const reading = readRange(source, 'f', { start: 0, end: 10_000 });
  await expectError(reading, 'FILE_UNREADABLE', 'sent more than the bytes 0 to 10000');
  expect(calls()).toBe(1);
});

test.each([
  ['a place that was not asked for', { 'Content-Range': 'bytes 3-6/10' }, 'they came from 3'],
  ['an end before the start', { 'Content-Range': 'bytes 2-1/10' }, '"bytes 2-1/10"'],
  ['an end behind the file', { 'Content-Range': 'bytes 2-5/4' }, '"bytes 2-5/4"'],
  ['no numbers', { 'Content-Range': 'bytes a-b/c' }, '"bytes a-b/c"'],
  ['another unit', { 'Content-Range': 'items 2-5/10' }, '"items 2-5/10"'],
  ['numbers beyond all files', { 'Content-Range': `bytes 2-5/${'9'.repeat(30)}` }, 'bytes 2-5/9'],
  ['fewer bytes than it sends', { 'Content-Range': 'bytes 2-3/10' }, 'the bytes 2 to 4'],
  ['a compressed part', { 'Content-Encoding': 'gzip', 'Content-Range': 'bytes 2-5/10' }, 'gzip'],
  ['several parts', { 'Content-Type': 'multipart/byteranges; boundary=x' }, 'several parts'],
])('a part with %s', async (_, headers, wrong) => {
  const { source, calls } = answering(() => part(ten.slice(2, 6), headers));
  const reading = readRange(source, 'f', { start: 2, end: 6 });
  await expectError(reading, 'FILE_UNREADABLE', wrong, 'Check the server.');
  expect(calls()).toBe(1);
});

test('lengths that are no lengths are not heeded', async () => {
  for (const length of ['abc', '-5', '1e3', '9'.repeat(30)]) {
    const { source } = answering(
      () => new Response(ten, { headers: { 'Content-Length': length } }),
    );
    expect(await readFile(source, 'f')).toEqual(ten);
  }
});

test('a length that no memory has is found out, and nothing is set aside for it', async () => {
  const headers = { 'Content-Length': '900000000000000' };
  const { source } = answering(() => new Response(ten, { headers }));
  await expectError(readFile(source, 'f'), 'FILE_TRUNCATED', '10 of 900000000000000 bytes');
});

test.each([undefined, null, 5, 'text', {}, [], { status: 200 }])(
  'a fetch that resolves to %j',
  async (value) => {
    const { source, calls } = answering(() => Promise.resolve(value));
    await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'fetch must give a Response');
    expect(calls()).toBe(1);
  },
);

test('what can never work is not tried again', async () => {
  for (const status of [400, 401, 403, 405, 451, 501]) {
    const { source, calls } = answering(() => new Response('', { status }));
    await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', `HTTP ${status}`);
    expect(calls()).toBe(1);
  }
  const refusals = [
    'Headers.append: "x" is an invalid header value.',
    "Failed to execute 'fetch' on 'Window': Invalid name",
    'Failed to parse URL from x',
    'Request cannot be constructed from a URL that includes credentials: x',
    'unknown scheme',
    'Cannot convert argument to a ByteString because the character at index 7 is 8364',
  ];
  for (const message of refusals) {
    const { source, calls } = answering(() => Promise.reject(new TypeError(message)), {
      ...quick,
      retries: 4,
    });
    await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'could not be fetched');
    // In a page one call may look whether there is a server at all.
    expect(calls()).toBeLessThanOrEqual(2);
  }
});

test('options that make no sense', async () => {
  const wrong: readonly (readonly [keyof HttpOptions, unknown, string])[] = [
    ['fetch', 5, 'fetch is 5'],
    ['retries', -1, 'retries is -1'],
    ['retries', 1.5, 'retries is 1.5'],
    ['retryDelay', Infinity, 'retryDelay is Infinity'],
    ['stallTimeout', 0, 'stallTimeout is 0'],
    ['stallTimeout', NaN, 'stallTimeout is NaN'],
    ['stallTimeout', '1', 'stallTimeout is "1"'],
    ['token', 5, 'token is a number'],
    ['token', 'hf_a\nb', 'U+000A at place 5'],
    ['token', 'hf_a b', 'U+0020'],
    ['token', 'hf_ä', 'U+00E4'],
    ['token', '“hf_a”', 'U+201C at place 1'],
  ];
  for (const [name, value, message] of wrong) {
    const options = { [name]: value } as HttpOptions;
    await expectError(() => httpSource(FOLDER, options), 'OPTION_INVALID', message);
    await expectError(() => hubSource('hf:a/b', options), 'OPTION_INVALID', message);
  }
  const open = (): unknown => openSource(FOLDER, { token: 'Zx9secret\r\nX: y' });
  const { message } = await expectError(open, 'OPTION_INVALID', 'token has the character U+000D');
  expect(message).not.toContain('secret');
  await expectError(() => httpSource(FOLDER, { x: 1 } as object), 'OPTION_UNKNOWN');
  for (const url of [5, null, {}, Symbol('x'), Object.create(null), 'https://'] as string[]) {
    await expectError(() => httpSource(url), 'INPUT_INVALID', 'is no URL');
  }
});

test('a token is sent without the line break behind it, and said in no message', async () => {
  const sent: unknown[] = [];
  const fetch = ((_: string, init: RequestInit) => {
    const { Authorization } = init.headers as Record<string, string>;
    sent.push(Authorization);
    return Promise.reject(
      new Error(`${Authorization} was sent`, { cause: new Error(Authorization) }),
    );
  }) as typeof globalThis.fetch;
  const source = httpSource(FOLDER, { ...quick, retries: 0, fetch, token: 'plainword\n' });
  const error = await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'could not be fetched');
  expect(sent).toContain('Bearer plainword');
  const cause = error.cause as Error;
  expect(
    [error.message, error.stack, cause.message, cause.stack, String(cause.cause)].join(),
  ).not.toContain('plainword');
});

test('user and password of an address go into a header, and into no message', async () => {
  const requests: [string, unknown][] = [];
  const fetch = ((url: string, { headers }: RequestInit) => {
    requests.push([url, (headers as Record<string, string>)['Authorization']]);
    return Promise.resolve(new Response('', { status: 403 }));
  }) as typeof globalThis.fetch;
  const source = httpSource('https://me:s%C3%BCss@host.example/m?key=Zx9secret', { fetch });
  const { message } = await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'HTTP 403');
  const wanted = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode('me:süss')))}`;
  expect(requests).toEqual([['https://host.example/m/f?key=Zx9secret', wanted]]);
  expect(message).toMatch(/^https:\/\/host\.example\/m\/f answered/);
  expect(message + source.name).not.toMatch(/secret|s%C3|süss|me:/);
  const both = httpSource('https://me:pass@host.example/m', { fetch, token: 'hf_abcdefgh1' });
  await expectError(readFile(both, 'f'), 'FILE_UNREADABLE');
  expect(requests.at(-1)).toEqual(['https://host.example/m/f', 'Bearer hf_abcdefgh1']);
});

test('an abort ends what heeds no signal', async () => {
  const controller = new AbortController();
  const { source } = answering(() => never, { stallTimeout: Infinity });
  const reading = source.read('f', undefined, controller.signal);
  setTimeout(() => controller.abort(), 10);
  await expectError(reading, 'ABORTED');
});
