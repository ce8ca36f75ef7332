// The HTTP source against a real server, with the faults that only a real connection has.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
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

async function serve(listener: RequestListener): Promise<Source> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return httpSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/m`, {
    retryDelay: 1,
  });
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

test('a server that is not there', async () => {
  const source = await serve(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  await expectError(readFile(source, 'f'), 'FILE_UNREADABLE', '/m/f', 'ECONNREFUSED');
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
