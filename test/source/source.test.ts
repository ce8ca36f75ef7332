import { describe, expect, test, vi } from 'vitest';
import 'webgpu-transformer';
import { openSource } from '../../src/source/open-source.ts';
import { httpSource } from '../../src/source/remote-source.ts';
import {
  checkFileName,
  fileExists,
  fileSize,
  readFile,
  readJson,
  readRange,
  requireJson,
  type Source,
} from '../../src/source/source.ts';
import { fakeFetch, type FakeServer } from '../support/http.ts';
import { expectError, MemorySource } from '../support/safetensors.ts';

const ten = Uint8Array.from({ length: 10 }, (_, i) => i);
const escapes = [
  '../secret',
  'a/../../b',
  '/etc/passwd',
  'C:\\model.bin',
  'c:x',
  '..\\x',
  '\\\\host\\x',
  'a//b',
  './x',
  'x\0y',
  '',
];

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}

/** A source whose every read gives `answer`. */
function answering(answer: unknown): Source {
  return { name: 'mine', read: () => Promise.resolve(answer as Uint8Array) };
}

function failing(error: unknown): Source {
  return { name: 'mine', read: () => Promise.reject(error) };
}

function server(options: FakeServer): { source: Source } & ReturnType<typeof fakeFetch> {
  const fake = fakeFetch(options);
  return {
    source: httpSource('https://host/models/m?token=secret', {
      fetch: fake.fetch,
      retryDelay: 1,
    }),
    ...fake,
  };
}

describe('what a source may return', () => {
  test.each([
    ['a Uint8Array', ten],
    ['an ArrayBuffer', ten.slice().buffer],
    ['a view of another type', new DataView(ten.slice().buffer)],
    ['a part of a larger buffer', Uint8Array.of(9, ...ten, 9).subarray(1, 11)],
  ])('%s is the file', async (_, answer) => {
    expect(await readFile(answering(answer), 'f')).toEqual(ten);
  });

  test.each([[null], ['text'], [[1, 2]], [5]])('%j is refused', async (answer) => {
    await expectError(
      readFile(answering(answer), 'f'),
      'INPUT_INVALID',
      'f (in mine)',
      typeof answer,
    );
  });

  test('a whole file in place of the range is cut, other lengths are errors', async () => {
    expect(await readRange(answering(ten), 'f', { start: 2, end: 5 })).toEqual(ten.slice(2, 5));
    expect(await readRange(answering(ten), 'f', { start: 7, end: 10 })).toEqual(ten.slice(7));
    const short = readRange(answering(ten.slice(0, 2)), 'f', { start: 2, end: 5 });
    await expectError(short, 'FILE_TRUNCATED', 'f (in mine)', '2 bytes', 'bytes 2 to 5');
    const long = readRange(answering(ten), 'f', { start: 9, end: 12 });
    await expectError(long, 'FILE_TRUNCATED', '1 bytes', 'bytes 9 to 12');
  });

  test('each way to say "missing" is understood', async () => {
    const missing = [
      Object.assign(new Error('gone'), { code: 'ENOENT' }),
      new DOMException('gone', 'NotFoundError'),
      Object.assign(new Error('gone'), { status: 404 }),
    ];
    for (const error of missing) expect(await readJson(failing(error), 'f.json')).toBeUndefined();
    expect(await readFile(answering(undefined), 'f')).toBeUndefined();
    expect(await fileExists(answering(undefined), 'f')).toBe(false);
    expect(await fileExists(answering(ten), 'f')).toBe(true);
    const range = readRange(answering(undefined), 'f', { start: 0, end: 1 });
    await expectError(range, 'FILE_NOT_FOUND', 'f', 'mine');
  });

  test('any other failure names the file and keeps its cause', async () => {
    const cause = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const error = await expectError(
      readFile(failing(cause), 'f'),
      'FILE_UNREADABLE',
      'f (in mine)',
      'permission denied',
    );
    expect(error.cause).toBe(cause);
    const thrown: Source = {
      read: () => {
        throw new RangeError('too large');
      },
    };
    await expectError(readFile(thrown, 'f'), 'FILE_UNREADABLE', 'too large');
  });

  test('a size is a whole number or unknown', async () => {
    for (const size of [-1, 1.5, NaN, 2 ** 60]) {
      expect(await fileSize({ ...answering(ten), size: () => Promise.resolve(size) }, 'f')).toBe(
        undefined,
      );
    }
    expect(await fileSize(answering(ten), 'f')).toBeUndefined();
    expect(await fileSize({ ...answering(ten), size: () => Promise.resolve(10) }, 'f')).toBe(10);
  });

  test('progress of a small file is told once', async () => {
    const seen: unknown[] = [];
    await readFile(answering(ten), 'f', { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([
      { file: 'f', loaded: 10, total: 10, overall: { loaded: 10, total: 10 } },
    ]);
  });
});

test.each(escapes)('the file name %j is refused before anything is read', async (file) => {
  const memory = new MemorySource({ [file]: ten });
  await expectError(readFile(memory, file), 'FILE_INVALID', JSON.stringify(file));
  expect(memory.reads).toEqual([]);
  const { source, requests } = server({ files: {} });
  await expectError(source.read(file), 'FILE_INVALID', JSON.stringify(file));
  expect(requests).toEqual([]);
});

test.each([
  'model.safetensors',
  'onnx/model.bin',
  '..a',
  'a..b/c',
  '...',
  '.gitattributes',
  'ü %2e',
])('the file name %j is fine', (file) => {
  expect(() => checkFileName(file)).not.toThrow();
});

describe('JSON', () => {
  test('values, byte order mark and missing files', async () => {
    expect(await readJson(answering(text(' {"a": [1, null]}\n')), 'f.json')).toEqual({
      a: [1, null],
    });
    expect(await readJson(answering(text('\ufeff{}')), 'f.json')).toEqual({});
    expect(await readJson(answering(undefined), 'f.json')).toBeUndefined();
  });

  test.each([
    ['{"a": 1,}', '"}" at line 1, column 9'],
    ['{\n  "a" 1}', '"1" at line 2, column 7'],
    ['{"a": truth}', '"t" at line 1, column 7'],
    ['[1, 01]', '"1" at line 1, column 6'],
    ['[1 2]', '"2" at line 1, column 4'],
    ['{"a": "b\nc"}', '"\\n" at line 1, column 9'],
    ['["\\x"]', '"x" at line 1, column 4'],
    ['["\\u12g4"]', '"u" at line 1, column 4'],
    ['[]]', '"]" at line 1, column 3'],
    ['[}', '"}" at line 1, column 2'],
    ['{1: 2}', '"1" at line 1, column 2'],
    ['<!doctype html>', '"<" at line 1, column 1'],
    ['{"a": [1, 2', 'breaks off at line 1, column 12'],
    ['{"a": "b', 'breaks off at line 1, column 9'],
    ['', 'breaks off at line 1, column 1'],
  ])('%j: the message names file and position', async (json, place) => {
    const error = await expectError(
      readJson(answering(text(json)), 'f.json'),
      'FILE_INVALID',
      place,
    );
    expect(error.message).toContain('f.json (in mine) is not valid JSON');
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  test('deep nesting is an error, not a crash', async () => {
    const deep = answering(text('['.repeat(200_000)));
    await expectError(readJson(deep, 'f.json'), 'FILE_INVALID', 'column 200001');
  });

  test('a required file that is missing names all that was looked for', async () => {
    const memory = new MemorySource({ 'b.json': text('[2]'), 'c.json': text('[3]') });
    expect(await requireJson(memory, 'b.json')).toEqual([2]);
    expect(await requireJson(memory, ['a.json', 'b.json', 'c.json'])).toEqual([2]);
    const names = ['x.json', 'y.json'];
    await expectError(requireJson(memory, names), 'FILE_NOT_FOUND', ...names, 'memory');
  });
});

describe('aborting', () => {
  test('an aborted signal reads nothing', async () => {
    const memory = new MemorySource({ f: ten });
    const error = await expectError(
      readFile(memory, 'f', { signal: AbortSignal.abort(7) }),
      'ABORTED',
    );
    expect(error).toMatchObject({ name: 'AbortError', cause: 7 });
    expect(memory.reads).toEqual([]);
  });

  test('a source that never answers is left at once', async () => {
    const stuck: Source = { read: () => new Promise(() => undefined) };
    const controller = new AbortController();
    const reading = readFile(stuck, 'f', { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expectError(reading, 'ABORTED');
  });

  test('an abort while reading rejects even when the source answers or fails', async () => {
    for (const last of [() => ten, () => Promise.reject(new Error('network'))]) {
      const controller = new AbortController();
      const source: Source = {
        read: async () => {
          await Promise.resolve();
          controller.abort();
          return last();
        },
      };
      await expectError(readFile(source, 'f', { signal: controller.signal }), 'ABORTED');
    }
  });

  test('listeners are taken off the signal', async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    for (let i = 0; i < 3; i++) await readFile(answering(ten), 'f', { signal });
    expect(added).toHaveBeenCalledTimes(3);
    const listeners = (spy: typeof added | typeof removed) => spy.mock.calls.map(([, it]) => it);
    expect(listeners(removed)).toEqual(listeners(added));
  });
});

describe('over HTTP', () => {
  test('ranges are asked for and the size is learned on the way', async () => {
    const { source, requests } = server({ files: { f: ten } });
    expect(await readRange(source, 'f', { start: 2, end: 5 })).toEqual(ten.slice(2, 5));
    expect(await fileSize(source, 'f')).toBe(10);
    const url = 'https://host/models/m/f?token=secret';
    expect(requests).toEqual([{ method: 'GET', url, range: 'bytes=2-4' }]);
  });

  test('whole files are asked for without a range', async () => {
    const { source, requests } = server({ files: { 'a b/ü%.json': text('{"x": 1}') } });
    expect(await readJson(source, 'a b/ü%.json')).toEqual({ x: 1 });
    expect(requests[0]?.range).toBe(null);
    expect(requests[0]?.url).toContain('/models/m/a%20b/%C3%BC%25.json?token');
  });

  test('the size is asked for when nothing told it yet', async () => {
    for (const ranges of [true, false]) {
      const { source, requests } = server({ files: { f: ten }, ranges });
      expect(await fileSize(source, 'f')).toBe(10);
      expect(await fileSize(source, 'missing')).toBeUndefined();
      expect(await fileExists(source, 'f')).toBe(true);
      // What HEAD does not find is asked for again: some servers do not know it.
      expect(requests.map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'GET']);
    }
    const refusing = server({
      files: { f: ten },
      change: (_, { method }) => new Response(null, { status: method === 'HEAD' ? 405 : 500 }),
    });
    await expectError(fileSize(refusing.source, 'f'), 'FILE_UNREADABLE', 'HTTP 500');
  });

  test('Content-Range hidden from another origin is no error', async () => {
    const { source } = server({ files: { f: ten }, hidden: true });
    expect(await readRange(source, 'f', { start: 2, end: 5 })).toEqual(ten.slice(2, 5));
    await expectError(readRange(source, 'f', { start: 8, end: 12 }), 'FILE_TRUNCATED', '2 bytes');
    await expectError(readRange(source, 'f', { start: 12, end: 14 }), 'FILE_TRUNCATED', '0 bytes');
  });

  test('a server without ranges sends the file once, and it is held once', async () => {
    const { source, requests } = server({ files: { f: ten }, ranges: false });
    const parts = await Promise.all([
      readRange(source, 'f', { start: 0, end: 3 }),
      readRange(source, 'f', { start: 3, end: 6 }),
    ]);
    parts.push(await readRange(source, 'f', { start: 6, end: 10 }));
    expect(parts).toEqual([ten.slice(0, 3), ten.slice(3, 6), ten.slice(6)]);
    expect(new Set(parts.map(({ buffer }) => buffer)).size).toBe(1);
    expect(requests.length).toBe(2);
    expect(await fileSize(source, 'f')).toBe(10);
    await expectError(readRange(source, 'f', { start: 8, end: 11 }), 'FILE_TRUNCATED');
    expect(requests.length).toBe(2);
    source.release?.();
    await readRange(source, 'f', { start: 0, end: 3 });
    expect(requests.length).toBe(3);
  });

  test('an aborted download does not fail the others', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const endless = (): ReadableStream =>
      new ReadableStream({
        start: (body) => signal.addEventListener('abort', () => body.error(new Error('aborted'))),
      });
    const { source } = server({
      files: { f: ten },
      ranges: false,
      change: (response) => (signal.aborted ? response : new Response(endless())),
    });
    const first = readRange(source, 'f', { start: 0, end: 3 }, signal);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = readRange(source, 'f', { start: 3, end: 6 });
    controller.abort();
    await expectError(first, 'ABORTED');
    expect(await second).toEqual(ten.slice(3, 6));
  });

  test.each([404, 410])('status %i is a missing file', async (status) => {
    const { source } = server({ files: {}, change: () => new Response('', { status }) });
    expect(await readFile(source, 'f')).toBeUndefined();
    expect(await fileExists(source, 'f')).toBe(false);
  });

  test('a page in place of a file is a missing file', async () => {
    const headers = { 'Content-Type': 'text/html; charset=utf-8' };
    const { source } = server({ files: {}, change: () => new Response('<html>', { headers }) });
    expect(await readJson(source, 'config.json')).toBeUndefined();
    expect(await fileSize(source, 'config.json')).toBeUndefined();
    expect(await readFile(source, 'card.html')).toEqual(text('<html>'));
  });

  test.each([
    [401, 'signs in'],
    [403, 'signs in'],
    [429, 'try again later'],
    [500, 'try again later'],
  ])('status %i names the address but not its secrets', async (status, next) => {
    const { source } = server({
      files: {},
      change: () => new Response('', { status, statusText: 'Why' }),
    });
    const error = await expectError(
      readFile(source, 'f'),
      'FILE_UNREADABLE',
      `HTTP ${status} Why`,
      next,
    );
    expect(error.message).toContain('https://host/models/m/f ');
    expect(error.message + String(source.name)).not.toContain('secret');
  });

  test('206 to a request for the whole file is an error', async () => {
    const { source } = server({
      files: { f: ten },
      change: () => new Response(ten, { status: 206 }),
    });
    await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', 'HTTP 206');
  });

  test('bytes from another place than asked are refused', async () => {
    const headers = { 'Content-Range': 'bytes 0-2/10' };
    const { source } = server({
      files: {},
      change: () => new Response(ten.slice(0, 3), { status: 206, headers }),
    });
    const reading = readRange(source, 'f', { start: 2, end: 5 });
    await expectError(reading, 'FILE_UNREADABLE', 'bytes from 2', 'came from 0');
  });

  test('a file that changes its size while it is read is refused', async () => {
    const files: Record<string, Uint8Array<ArrayBuffer>> = { f: ten };
    const { source } = server({ files });
    await readRange(source, 'f', { start: 0, end: 3 });
    files['f'] = ten.slice(0, 9);
    const reading = readRange(source, 'f', { start: 3, end: 6 });
    await expectError(reading, 'FILE_UNREADABLE', 'changed', '10 bytes', '9');
    files['f'] = ten;
    source.release?.();
    expect(await readRange(source, 'f', { start: 3, end: 6 })).toEqual(ten.slice(3, 6));
  });

  test('short bodies are found, compressed ones are not taken for short', async () => {
    const answer = (headers: Record<string, string>): Source =>
      server({ files: {}, change: () => new Response(ten.slice(0, 4), { headers }) }).source;
    await expectError(
      readFile(answer({ 'Content-Length': '10' }), 'f'),
      'FILE_TRUNCATED',
      '4 of 10 bytes',
    );
    const compressed = answer({ 'Content-Length': '10', 'Content-Encoding': 'gzip' });
    expect(await readFile(compressed, 'f')).toEqual(ten.slice(0, 4));
    const { source } = server({
      files: { f: ten },
      change: async (response) => {
        const { status, headers } = response;
        return new Response((await response.arrayBuffer()).slice(1), { status, headers });
      },
    });
    await expectError(
      readRange(source, 'f', { start: 0, end: 4 }),
      'FILE_TRUNCATED',
      '3 of 4 bytes',
    );
  });

  test('an empty file has no range, but it is there', async () => {
    const { source } = server({ files: { f: new Uint8Array(0) } });
    expect(await readFile(source, 'f')).toHaveLength(0);
    await expectError(readRange(source, 'f', { start: 0, end: 8 }), 'FILE_TRUNCATED', '0 bytes');
    expect(await fileSize(source, 'f')).toBe(0);
  });

  test('a failing network and a breaking body say why', async () => {
    const fetch = (): Promise<never> =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }));
    const down = httpSource('https://host/m', { fetch, retryDelay: 1 });
    await expectError(readFile(down, 'f'), 'FILE_UNREADABLE', 'https://host/m/f', 'ECONNREFUSED');
    const breaking = {
      pull: (stream: ReadableStreamDefaultController) => stream.error(new Error('reset')),
    };
    const change = (): Response => new Response(new ReadableStream(breaking));
    const { source } = server({ files: {}, change });
    await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', '/m/f broke off');
  });

  test('relative addresses need a page', async () => {
    if ('document' in globalThis) {
      const source = httpSource('/test/fixtures/gpt2_sharded');
      expect(source.name).toBe(`${location.origin}/test/fixtures/gpt2_sharded/`);
      const index = await requireJson(source, 'model.safetensors.index.json');
      expect(index).toHaveProperty('weight_map');
      const shard = 'model-00001-of-00004.safetensors';
      const [head, next] = [
        await readRange(source, shard, { start: 0, end: 8 }),
        await readRange(source, shard, { start: 8, end: 9 }),
      ];
      expect([head.length, next]).toEqual([8, text('{')]);
      expect(await fileSize(source, shard)).toBe(39848);
      expect(await readJson(source, 'missing.json')).toBeUndefined();
    } else {
      await expectError(() => httpSource('models/m'), 'INPUT_INVALID', '"models/m"', 'https://');
    }
    await expectError(() => httpSource('http://'), 'INPUT_INVALID', '"http://"');
  });
});

test('what names no model is refused at once', async () => {
  const refuse = (source: unknown, got: string): Promise<unknown> =>
    expectError(() => openSource(source as string), 'INPUT_INVALID', `the source is ${got}.`);
  await refuse(undefined, 'undefined');
  await refuse(null, 'null');
  await refuse('', 'an empty text');
  await refuse(' ', 'an empty text');
  await refuse(5, 'a number');
  await refuse([], 'an empty list');
  await refuse({}, 'an object without read()');
  await refuse({ href: 'https://host/' }, 'an object without read()');
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  await refuse(proxy, 'an object without read()');
  await expectError(
    requireJson(openSource('owner/name'), 'config.json'),
    'FILE_NOT_FOUND',
    'hf:owner/name',
  );
});
