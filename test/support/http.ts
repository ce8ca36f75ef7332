// A `fetch` over files in memory that behaves like one kind of web server.

export interface FakeServer {
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Answers 206 to ranges; else 200 with the whole file. Default true. */
  readonly ranges?: boolean;
  /** Hides what another origin may not see: Content-Range. */
  readonly hidden?: boolean;
  /** A last word on each answer. */
  readonly change?: (response: Response, request: FakeRequest) => Response | Promise<Response>;
}

export interface FakeRequest {
  readonly method: string;
  readonly url: string;
  readonly range: string | null;
}

/** The fetch, and the requests it got. Paths are matched by their end. */
export function fakeFetch({ files, ranges = true, hidden = false, change }: FakeServer): {
  fetch: typeof globalThis.fetch;
  requests: FakeRequest[];
} {
  const requests: FakeRequest[] = [];
  const answer = (request: FakeRequest): Response => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    const file = Object.keys(files).find((name) => path.endsWith(`/${name}`));
    const bytes = file === undefined ? undefined : files[file];
    if (bytes === undefined) return new Response('no such file', { status: 404 });
    const body = (part: Uint8Array<ArrayBuffer>) => (request.method === 'HEAD' ? null : part);
    const asked = /^bytes=(\d+)-(\d+)$/.exec(request.range ?? '');
    if (asked === null || !ranges) {
      return new Response(body(bytes), { headers: { 'Content-Length': `${bytes.length}` } });
    }
    const [start, end] = [Number(asked[1]), Math.min(Number(asked[2]) + 1, bytes.length)];
    const contentRange = (what: string): Record<string, string> =>
      hidden ? {} : { 'Content-Range': what };
    if (start >= bytes.length) {
      // As nginx does, with a page that is not the file.
      const headers = { 'Content-Type': 'text/html', ...contentRange(`bytes */${bytes.length}`) };
      return new Response('<html>416</html>', { status: 416, headers });
    }
    const headers = contentRange(`bytes ${start}-${end - 1}/${bytes.length}`);
    return new Response(body(bytes.slice(start, end)), { status: 206, headers });
  };
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    init?.signal?.throwIfAborted();
    const url = input instanceof Request ? input.url : String(input);
    const range = new Headers(init?.headers).get('Range');
    const request = { method: init?.method ?? 'GET', url, range };
    requests.push(request);
    await Promise.resolve();
    return change === undefined ? answer(request) : change(answer(request), request);
  };
  return { fetch, requests };
}
