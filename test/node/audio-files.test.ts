// Sound by the path or the address of its file.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAudio } from 'webgpu-transformer';
import { expectRejection } from '../support/rejection.ts';
import { pcm16, wavFile } from '../support/wav.ts';

const numbers = [0.5, -0.25, 0.125];
const file = wavFile(pcm16(numbers));
const rate = { samplingRate: 16_000 };
let folder = '';
let server: Server;
let address = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audio-files-'));
  await writeFile(join(folder, 'a sound.wav'), file);
  server = createServer((request, response) => {
    const isThere = request.url === '/sounds/a%20sound.wav?key=1';
    response.writeHead(isThere ? 200 : 404).end(isThere ? file : '');
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sounds`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

test('a path, a file URL and an address', async () => {
  const path = join(folder, 'a sound.wav');
  const inputs = [
    path,
    pathToFileURL(path),
    pathToFileURL(path).href,
    `${address}/a%20sound.wav?key=1`,
  ];
  for (const input of inputs) expect([...(await readAudio(input, rate))]).toEqual(numbers);
});

test('what is not there is named', async () => {
  const missing = readAudio(join(folder, 'none.wav'), rate);
  await expectRejection(missing, 'FILE_NOT_FOUND', 'none.wav', folder);
  await expectRejection(readAudio(`${address}/none.wav`, rate), 'FILE_NOT_FOUND', 'none.wav');
  await expectRejection(readAudio(`${folder}/`, rate), 'INPUT_INVALID', 'names no file');
  await expectRejection(readAudio('', rate), 'INPUT_INVALID', 'names no file');
});
