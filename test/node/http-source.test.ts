// The HTTP source against a real server, with the faults that only a real connection has.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import 'webgpu-transformer';
import { httpSource } from '../../src/source/remote-source.ts';
import { openSafetensors, readTensors } from '../../src/source/safetensors.ts';
import { fileSize, readFile, readJson, readRange, type Source } from '../../src/source/source.ts';
import { readFixture } from '../support/fixture.ts';
import { expectError } from '../support/safetensors.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(listener: RequestListener): Promise<{ readonly url: string }> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/m` };
}

async function serve(listener: RequestListener): Promise<Source> {
  const { url } = await listen(listener);
  return httpSource(url, { retryDelay: 1 });
}

/** Serves fixtures, with ranges or without; keeps what it was asked for. */
function fixtures(ranges: boolean): { listener: RequestListener; requests: string[] } {
  const requests: string[] = [];
  const listener: RequestListener = (request, response) => {
    const file = (request.url ?? '').slice('/m/'.length);
    requests.push(`${request.method} ${file}`);
    readFixture(`gpt2_sharded/${file}`).then(
      (bytes) => {
        const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
        if (asked === null || !ranges) {
          response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
          return;
        }
        const [start, end] = [Number(asked[1]), Math.min(Number(asked[2]) + 1, bytes.length)];
        const headers = { 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` };
        response.writeHead(206, headers).end(bytes.subarray(start, end));
      },
      () => response.writeHead(404).end('no such file'),
    );
  };
  return { listener, requests };
}

async function load(source: Source): Promise<number> {
  const tensors = await openSafetensors(source);
  let loaded = 0;
  for await (const { bytes } of readTensors(source, tensors.values(), { chunkBytes: 8192 })) {
    loaded += bytes.length;
  }
  return loaded;
}

test('a sharded checkpoint over ranges', async () => {
  const { listener, requests } = fixtures(true);
  expect(await load(await serve(listener))).toBe(4 * 30848);
  expect(requests.filter((request) => request.startsWith('HEAD'))).toEqual([]);
});

test('a sharded checkpoint from a server without ranges: one request for each shard', async () => {
  const { listener, requests } = fixtures(false);
  const source = await serve(listener);
  expect(await load(source)).toBe(4 * 30848);
  const shards = requests.filter((request) => request.includes('-of-'));
  expect(shards.length).toBe(4);
  expect(await fileSize(source, 'model-00001-of-00004.safetensors')).toBe(39848);
  expect(await readFile(source, 'missing.json')).toBeUndefined();
});

test('compression of JSON goes unnoticed, sizes and ranges are those of the file', async () => {
  const text = '{"x": 1}'.padEnd(1000);
  const source = await serve((request, response) => {
    const ranged = request.headers.range !== undefined && request.method === 'GET';
    if (ranged) {
      response.writeHead(206, { 'Content-Range': 'bytes 0-0/1000' }).end('{');
      return;
    }
    // As servers do that compress whenever they may.
    const accepted = String(request.headers['accept-encoding']);
    const gzip = accepted.includes('gzip') && !accepted.includes('identity');
    const body = gzip ? gzipSync(text) : Buffer.from(text);
    response.writeHead(200, {
      'Content-Length': body.length,
      ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  expect(await fileSize(source, 'x.json')).toBe(1000);
  expect(await readJson(source, 'x.json')).toEqual({ x: 1 });
  expect(await readRange(source, 'x.json', { start: 0, end: 1 })).toEqual(Uint8Array.of(0x7b));
});

test('a range of a compressed file is no range of the file', async () => {
  let requests = 0;
  const source = await serve((_, response) => {
    requests++;
    const body = gzipSync('0123456789'.repeat(10)).subarray(0, 10);
    const headers = { 'Content-Encoding': 'gzip', 'Content-Range': 'bytes 0-9/37' };
    response.writeHead(206, { ...headers, 'Content-Length': body.length }).end(body);
  });
  const reading = readRange(source, 'f', { start: 0, end: 10 });
  await expectError(reading, 'FILE_UNREADABLE', 'compressed with gzip', 'Check the server');
  expect(requests).toBe(1);
});

test('a connection that breaks in the body', async () => {
  const source = await serve((request, response) => {
    response.writeHead(request.headers.range === undefined ? 200 : 206, { 'Content-Length': 100 });
    response.write('some');
    setTimeout(() => response.destroy(), 5);
  });
  await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', '/m/f broke off');
  const range = readRange(source, 'f', { start: 0, end: 100 });
  await expectError(range, 'FILE_UNREADABLE', '/m/f broke off');
});

test('a server that is not there is not asked again', async () => {
  const { url } = await listen(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  // Waiting for another attempt would outlast the test.
  const refusing = httpSource(url, { retryDelay: 1e6 });
  const refused = await expectError(readFile(refusing, 'f'), 'FILE_UNREADABLE', 'ECONNREFUSED');
  expect(refused.message).toMatch(/\/m\/f could not be fetched: no server answers at 127/);
  const nameless = httpSource('http://model.invalid/m', { retryDelay: 1e6 });
  const unknown = await expectError(readFile(nameless, 'f'), 'FILE_UNREADABLE', 'model.invalid');
  expect(unknown.message).toContain('no address for the name');
  expect(unknown.message).not.toContain('CORS');
});

test('what fetch fails with is told apart', async () => {
  const failing = async (cause: Error, retries = 0): Promise<string> => {
    let calls = 0;
    const fetch = async (): Promise<Response> => {
      calls += 1;
      await Promise.resolve();
      throw new TypeError('fetch failed', { cause });
    };
    const source = httpSource('https://host.example/m', { fetch, retryDelay: 1 });
    const { message } = await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', '/m/f');
    expect(calls).toBe(1 + retries);
    return message;
  };
  const coded = (code: string): Error => Object.assign(new Error('it went wrong'), { code });
  expect(await failing(coded('CERT_HAS_EXPIRED'))).toContain('TLS failed with host.example');
  expect(await failing(coded('EAI_AGAIN'))).toContain('no address for the name host.example');
  expect(await failing(coded('ENETUNREACH'))).toContain('no way to host.example');
  expect(await failing(coded('UND_ERR_CONNECT_TIMEOUT'), 1)).toContain('did not answer in time');
  // A broken connection is worth every attempt.
  expect(await failing(coded('ECONNRESET'), 4)).toContain('cut the connection');
  // A name with several addresses: what each of them said.
  const several = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], '');
  expect(await failing(several)).toContain('no server answers');
  expect(await failing(new Error('bad port'))).toContain('bad port');
});

test('an abort closes the connection, before the answer and in the body', async () => {
  for (const begun of [false, true]) {
    let arrived: () => void = () => undefined;
    const request = new Promise<void>((resolve) => (arrived = resolve));
    let left: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (left = resolve));
    const source = await serve((_, response) => {
      response.on('close', left);
      if (begun) response.writeHead(200, { 'Content-Length': 100 }).write('some');
      arrived();
    });
    const controller = new AbortController();
    const reading = readFile(source, 'f', { signal: controller.signal });
    await request;
    setTimeout(() => controller.abort(), 10);
    await expectError(reading, 'ABORTED');
    await closed;
  }
});
