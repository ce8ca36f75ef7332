// A handler of Requests behind node:http.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Handler } from '../../serve/index.ts';

/** A server that passes requests on to a handler, and tells it when a client goes away. */
export function httpServer(handler: Handler): Server {
  return createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch((error: unknown) => {
      // The connection broke while it was written to.
      outgoing.destroy(error instanceof Error ? error : undefined);
    });
  });
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  outgoing.once('close', () => left.abort());
  const request = requestOf(incoming, left.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { connection: 'close' }).end();
    return;
  }
  const client = incoming.socket.remoteAddress ?? '';
  await send(await handler(request, { client }), outgoing);
}

/** The request as the Web has it; undefined where it has no such form. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '', rawHeaders } = incoming;
  if (!url.startsWith('/')) return undefined;
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
    }
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream) : null;
    const init: RequestInit & { duplex: 'half' } = {
      method,
      headers,
      body,
      signal,
      duplex: 'half',
    };
    return new Request(`http://localhost${url}`, init);
  } catch {
    return undefined;
  }
}

/** Writes a response as fast as it is read. */
async function send({ status, headers, body }: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(status, Object.fromEntries(headers));
  if (body === null) {
    outgoing.end();
    return;
  }
  const reader = body.getReader();
  const closed = new Promise<void>((resolve) => {
    outgoing.once('close', resolve);
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (outgoing.destroyed) {
      await reader.cancel();
      return;
    }
    if (outgoing.write(value)) continue;
    const drained = new Promise<void>((resolve) => {
      outgoing.once('drain', resolve);
    });
    await Promise.race([drained, closed]);
  }
  outgoing.end();
}
