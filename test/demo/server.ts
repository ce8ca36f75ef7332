// A static web server that enforces the strict content security policy, for the built page.

import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** Serves a folder below a path of its own, under a policy. Resolves with the address of its page. */
export async function serve(
  folder: string,
  { policy = "default-src 'self'" }: { readonly policy?: string } = {},
): Promise<{ server: Server; url: string }> {
  const base = '/some/path/';
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname === base ? 'index.html' : pathname.slice(base.length);
    const file = path.join(folder, path.normalize(name));
    const headers = {
      'Content-Type': types[path.extname(file)] ?? 'application/octet-stream',
      'Content-Security-Policy': policy,
    };
    if (!pathname.startsWith(base) || !file.startsWith(folder)) response.writeHead(404).end();
    else {
      readFile(file).then(
        (bytes) => response.writeHead(200, headers).end(bytes),
        () => response.writeHead(404).end(),
      );
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}${base}` };
}
