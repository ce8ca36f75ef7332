// Once a run: a web server that misbehaves on demand, on two origins, for tests in Node and Chromium.
// Its paths are /SESSION/FILE, so that tests do not meet. PUT stores a file, POST sets how the next
// requests go wrong, GET of /SESSION (without a file) tells the requests there were.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { Fault, WebRequest } from '../support/web.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server's port on 127.0.0.1 and, as another origin, on localhost. */
    webServer: number;
  }
}

interface Session {
  readonly files: Map<string, { bytes: Buffer; headers: Record<string, string> }>;
  readonly requests: WebRequest[];
  faults: { fault: Fault; left: number }[];
}

const sessions = new Map<string, Session>();

const anyOrigin = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Authorization, X-File-Headers, Range',
  'Access-Control-Allow-Methods': 'GET, HEAD, PUT, POST',
  'Access-Control-Expose-Headers':
    'Content-Range, Content-Encoding, ETag, X-Linked-Etag, Retry-After',
};

export default async function serve(project: TestProject): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(anyOrigin)) response.setHeader(name, value);
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  // Without an address it listens on IPv4 and IPv6, whichever localhost means.
  await new Promise<void>((resolve) => void server.listen(0, resolve));
  project.provide('webServer', (server.address() as AddressInfo).port);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const [, name = '', ...rest] = pathname.split('/');
  const path = rest.join('/');
  const session: Session = sessions.get(name) ?? { files: new Map(), requests: [], faults: [] };
  sessions.set(name, session);
  const { method = 'GET' } = request;
  if (method === 'OPTIONS') {
    response.writeHead(204).end();
  } else if (method === 'PUT') {
    const headers = JSON.parse(String(request.headers['x-file-headers'])) as Record<string, string>;
    session.files.set(path, { bytes: await bodyOf(request), headers });
    response.writeHead(204).end();
  } else if (method === 'POST') {
    const faults = JSON.parse((await bodyOf(request)).toString()) as Fault[];
    session.faults = faults.map((fault) => ({ fault, left: fault.times ?? 1 }));
    response.writeHead(204).end();
  } else if (path === '') {
    response.writeHead(200).end(JSON.stringify(session.requests));
  } else {
    const { authorization, host = '', range } = request.headers;
    session.requests.push({ method, path: path + search, range, authorization, host });
    answer(session, request, response, path);
  }
}

/** Serves a file as told. */
function answer(
  { files, faults }: Session,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): void {
  const { method = 'GET' } = request;
  const entry = faults.find(
    ({ fault, left }) =>
      left > 0 && (fault.method ?? 'GET') === method && path.endsWith(fault.path),
  );
  if (entry !== undefined) entry.left--;
  const fault: Partial<Fault> = entry?.fault ?? {};
  if (fault.status !== undefined) {
    response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '');
    return;
  }
  const file = files.get(path);
  if (file === undefined) {
    response.writeHead(404).end('no such file');
    return;
  }
  const { length } = file.bytes;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  let [start, end] = [0, length];
  const headers: Record<string, string> = { ...file.headers, ...fault.headers };
  let status = 200;
  if (asked !== null && fault.noRanges !== true) {
    start = Number(asked[1]);
    end = Math.min(asked[2] === '' ? length : Number(asked[2]) + 1, length);
    if (start >= length) {
      response.writeHead(416, { 'Content-Range': `bytes */${length}` }).end();
      return;
    }
    headers['Content-Range'] = `bytes ${start}-${end - 1}/${length}`;
    status = 206;
  }
  headers['Content-Length'] = String(fault.announce ?? end - start);
  const { after } = fault;
  if (method === 'HEAD') response.writeHead(status, headers).end();
  else if (fault.slow !== undefined) {
    response.writeHead(status, headers);
    void sendSlowly(response, file.bytes.subarray(start, end), fault.slow);
  } else if (after === undefined) {
    response.writeHead(status, headers).end(file.bytes.subarray(start, end));
  } else {
    response.writeHead(status, headers);
    // A stalled connection stays open and silent. A cut one closes once the bytes are there: a browser that has much
    // else to do takes a while to read them, and forgets those that it has not read.
    const part = file.bytes.subarray(start, Math.min(start + after, end));
    const cut = (): void => void setTimeout(() => response.destroy(), 20 + part.length / 1000);
    response.flushHeaders();
    response.write(part, fault.stalls === true ? undefined : cut);
  }
}

async function sendSlowly(response: ServerResponse, body: Buffer, pause: number): Promise<void> {
  const quarter = Math.ceil(body.length / 4);
  for (let at = 0; at < body.length; at += quarter) {
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
    response.write(body.subarray(at, at + quarter));
  }
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
