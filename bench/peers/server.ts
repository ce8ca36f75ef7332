// Serves the pages, and counts what a page loads.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Given } from './work.ts';

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface PageServer {
  /** The address of a page with a script. */
  page(script: string): string;
  /** What `/given` tells from now on. */
  give(given: Given): void;
  /** Files asked for since the last call, by their bytes as gzip makes them. */
  taken(): { files: number; bytes: number };
  close(): void;
}

/** `folders`: by the first part of their addresses. */
export async function servePages(folders: Readonly<Record<string, string>>): Promise<PageServer> {
  let current: Given = {};
  let bodies: (Uint8Array | string)[] = [];
  const answer = (address: string): { body: Uint8Array | string; type: string } | undefined => {
    const { pathname, searchParams } = new URL(address, 'http://localhost');
    const [, first = '', ...rest] = pathname.split('/');
    if (first === 'page') {
      const script = `/${searchParams.get('script')}`;
      const text = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;
      return { body: text, type: 'text/html' };
    }
    if (first === 'given') {
      const name = rest.join('/');
      const shapes = Object.entries(current).map(([key, { shape }]) => [key, shape]);
      const body =
        name === ''
          ? JSON.stringify(Object.fromEntries(shapes))
          : new Uint8Array(current[name]?.data.buffer ?? new ArrayBuffer(0));
      return { body, type: 'application/octet-stream' };
    }
    const file = path.join(folders[first] ?? '/nowhere', ...rest);
    if (!existsSync(file)) return undefined;
    return {
      body: readFileSync(file),
      type: types[path.extname(file)] ?? 'application/octet-stream',
    };
  };
  const server: Server = createServer((request, response) => {
    const found = answer(request.url ?? '/');
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (found.type !== 'text/html') bodies.push(found.body);
    response.writeHead(200, {
      'content-type': found.type,
      'cache-control': 'no-store',
      // ONNX Runtime's threads need them.
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(found.body);
  });
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const place = server.address();
  const port = typeof place === 'object' ? place?.port : undefined;
  return {
    page: (script) => `http://localhost:${port}/page?script=${script}`,
    give: (given) => void (current = given),
    taken: () => {
      const sizes = bodies.map((body) => gzipSync(body).length);
      bodies = [];
      return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    },
    close: () => void server.close(),
  };
}
