// Servers whose answers go wrong by chance: what is read is right, or a typed error that says no secret;
// and the cache behind it serves the next load.
import { expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { CachedSource } from '../../src/source/cached-source.ts';
import { httpSource } from '../../src/source/remote-source.ts';
import type { FileRange, Source } from '../../src/source/source.ts';
import { memoryStore } from '../support/cache-store.ts';
import { cases } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';

const SECRET = 'Zx9secretQ71';
const FILE = 'f.bin';
type Bytes = Uint8Array<ArrayBuffer>;

/** A file on a server that may change. */
interface Served {
  bytes: Bytes;
  tag: string;
}

function contentOf(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => random.integer(0, 255));
}

/** What a good server answers. */
function honest({ bytes, tag }: Served, range: string | null): Response {
  const headers: Record<string, string> = { ETag: `"${tag}"` };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) {
    return new Response(bytes, { headers: { ...headers, 'Content-Length': `${bytes.length}` } });
  }
  const [start, end] = [Number(first), Math.min(Number(last || Infinity) + 1, bytes.length)];
  if (start >= bytes.length) {
    headers['Content-Range'] = `bytes */${bytes.length}`;
    return new Response('', { status: 416, headers });
  }
  headers['Content-Range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
  return new Response(bytes.slice(start, end), { status: 206, headers });
}

/** A body that breaks off, falls silent or comes in small pieces. */
function broken(random: Random, bytes: Uint8Array): ReadableStream<Uint8Array> {
  const end = random.pick(['error', 'silence', 'close'] as const);
  const most = end === 'close' ? bytes.length : random.integer(0, bytes.length);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const next = Math.min(most, at + random.integer(1, 40));
      if (next > at) controller.enqueue(bytes.slice(at, next));
      else if (end === 'error') controller.error(new TypeError('terminated'));
      else if (end === 'close') controller.close();
      else return new Promise<void>(() => undefined);
      at = next;
      return undefined;
    },
  });
}

/** An answer that is wrong in a way that can be told. */
async function wrong(random: Random, good: Response): Promise<Response> {
  const bytes = new Uint8Array(await good.arrayBuffer());
  const { status } = good;
  const headers = new Headers(good.headers);
  const other = random.pick([400, 401, 403, 404, 410, 429, 500, 503, 204, 304]);
  const range = random.pick(['bytes 5-2/9', 'bytes a-b/c', 'items 0-1/2', 'bytes 1000-1001/2000']);
  return random.pick<() => Response | Promise<Response>>([
    () => new Response(broken(random, bytes), { status, headers }),
    () => new Response(broken(random, bytes), { status, headers }),
    () => Promise.reject(new TypeError('fetch failed', { cause: new Error(SECRET) })),
    () => Promise.reject(new TypeError(`https://u:${SECRET}@host/ is invalid`)),
    () => new Promise<never>(() => undefined),
    () => new Response([204, 304].includes(other) ? null : `<html>${SECRET}`, { status: other }),
    () => {
      headers.set('Content-Range', range);
      return new Response(bytes, { status: 206, headers });
    },
    () => {
      headers.set('Content-Encoding', 'gzip');
      return new Response(bytes, { status: 206, headers });
    },
    () => {
      headers.set('Content-Type', 'text/html');
      return new Response(bytes, { status, headers });
    },
    () => undefined as unknown as Response,
  ])();
}

async function readOf(
  source: Source,
  range: FileRange | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return (await source.read(FILE, range)) as Uint8Array | undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TransformerError);
    const { code, message, stack, cause } = error as TransformerError;
    expect(code).toMatch(/^FILE_/);
    const told = [message, stack, (cause as Error | undefined)?.message, (cause as Error)?.stack];
    if (!/fetch failed/.test(message)) expect(told.join()).not.toContain(SECRET);
    return undefined;
  }
}

cases('answers that go wrong by chance', 200, async (random) => {
  const served: Served = { bytes: contentOf(random, random.integer(0, 300)), tag: 'one' };
  const versions = [served.bytes];
  let faults = random.integer(0, 5);
  let requests = 0;
  const fetch = (async (_: string, init: RequestInit) => {
    requests++;
    await Promise.resolve();
    if (faults > 0 && random.next() < 0.1) {
      served.bytes = contentOf(random, random.integer(0, 300));
      served.tag = `${random.next()}`;
      versions.push(served.bytes);
    }
    const good = honest(served, new Headers(init.headers).get('Range'));
    const answer = init.method === 'HEAD' ? new Response(null, good) : good;
    return faults-- > 0 ? wrong(random, answer) : answer;
  }) as typeof globalThis.fetch;
  const options = { fetch, retries: 2, retryDelay: 0, stallTimeout: 5 };
  const remote = httpSource(`https://u:${SECRET}@host.example/m?token=${SECRET}`, options);
  const store = memoryStore();
  const opened = (): Source => new CachedSource(remote, store, false, 'once');
  const source = random.next() < 0.5 ? remote : opened();
  for (let i = 0; i < 4; i++) {
    const start = random.integer(0, 300);
    const range = random.next() < 0.3 ? undefined : { start, end: start + random.integer(1, 100) };
    const got = await readOf(source, range);
    // A missing file is an answer, too. Without a fault of the server what is read is one version's.
    if (got === undefined) continue;
    const fits = versions.some((bytes) => sameBytes(bytes.slice(range?.start, range?.end), got));
    expect(fits, `read ${range?.start} to ${range?.end}`).toBe(true);
  }
  expect(requests).toBeLessThan(200);
  faults = 0;
  source.release?.();
  const next = opened();
  expect(await next.read(FILE)).toEqual(served.bytes);
  expect(await next.read(FILE, { start: 3, end: 30 })).toEqual(served.bytes.slice(3, 30));
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
