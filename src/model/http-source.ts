// A model folder on a web server, read by byte ranges. Servers differ: some ignore ranges, some
// hide headers from other origins, some answer an HTML page for a file they do not have.

import { throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { checkFileName, type FileRange, type Source } from './source.ts';

type Fetch = typeof globalThis.fetch;

/**
 * A source over HTTP, in browsers and Node.
 * A server that ignores ranges has its file downloaded once and kept until `release()`.
 * Status 404 and 410, and an HTML page in place of the file, count as missing.
 * @param url the folder; in pages and workers relative to their address. A query string is sent
 *   with every file.
 * @param fetch sends the requests, for instance with credentials; default the global one
 */
export function httpSource(url: string | URL, fetch?: Fetch): Source {
  return new HttpSource(folderUrl(url), fetch ?? ((input, init) => globalThis.fetch(input, init)));
}

class HttpSource implements Source {
  readonly name: string;
  readonly #folder: URL;
  readonly #fetch: Fetch;
  readonly #sizes = new Map<string, number>();
  readonly #bodies = new Map<string, Promise<Uint8Array>>();

  constructor(folder: URL, fetch: Fetch) {
    this.#folder = folder;
    this.#fetch = fetch;
    this.name = display(folder);
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    // Another call's download may fail by that call's abort: then this one fetches for itself.
    const kept = await this.#bodies.get(file)?.catch(() => undefined);
    if (kept !== undefined) {
      return range === undefined ? kept : kept.subarray(range.start, range.end);
    }
    const init = range === undefined ? {} : { headers: { Range: rangeHeader(range) } };
    const response = await this.#request(file, init, signal);
    if (response === undefined) return undefined;
    if (range === undefined || response.status === 200) {
      return this.#readWhole(file, range, response, signal);
    }
    if (response.status === 416) {
      // The file ends before the range starts; the body is a page that says so.
      await response.body?.cancel();
      this.#noteSize(file, totalOf(response));
      return new Uint8Array(0);
    }
    // Servers of another origin may hide Content-Range; the length alone must then do.
    const first = /^bytes (\d+)-/.exec(response.headers.get('Content-Range') ?? '')?.[1];
    if (first !== undefined && Number(first) !== range.start) {
      await response.body?.cancel();
      throw new TransformerError(
        'FILE_UNREADABLE',
        `${this.#display(file)} was asked for bytes from ${range.start}, the server sent ` +
          `them from ${first}. Check the server or a proxy before it.`,
      );
    }
    const bytes = await this.#body(file, response, signal);
    this.#noteSize(file, totalOf(response));
    return bytes;
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    const known = this.#sizes.get(file);
    if (known !== undefined) return known;
    // The range makes browsers and Node ask for the file itself, not for a compressed form of it.
    const init = { method: 'HEAD', headers: { Range: 'bytes=0-0' } };
    const response = await this.#request(file, init, signal).catch((error: unknown) => {
      throwIfAborted(signal);
      if (error instanceof TransformerError) return undefined;
      throw error;
    });
    if (response === undefined) return undefined;
    const { headers, status } = response;
    const plain = status === 200 && !headers.has('Content-Encoding');
    const length = plain ? headers.get('Content-Length') : null;
    this.#noteSize(file, length === null ? totalOf(response) : Number(length));
    return this.#sizes.get(file);
  }

  release(): void {
    this.#bodies.clear();
    this.#sizes.clear();
  }

  /** Sends a request; undefined when the file is missing, throws for statuses with no use here. */
  async #request(
    file: string,
    init: RequestInit,
    signal: AbortSignal | undefined,
  ): Promise<Response | undefined> {
    checkFileName(file);
    const url = fileUrl(this.#folder, file);
    let response: Response;
    try {
      response = await this.#fetch(url.href, signal === undefined ? init : { ...init, signal });
    } catch (cause) {
      throwIfAborted(signal);
      const next =
        'Check the network and the address; a server of another origin must allow this page by ' +
        'CORS headers.';
      throw this.#unreadable(file, `could not be fetched: ${reasonOf(cause)}. ${next}`, cause);
    }
    const { status } = response;
    const ranged = init.headers !== undefined;
    const useful = status === 200 || (ranged && (status === 206 || status === 416));
    // Servers of one-page apps answer their page with 200 for every file they do not have.
    const page = /^text\/html/i.test(response.headers.get('Content-Type') ?? '');
    const stray = page && status !== 416 && !/\.html?$/i.test(file);
    if (useful && !stray) return response;
    await response.body?.cancel();
    if (status === 404 || status === 410 || useful) return undefined;
    const next =
      status === 401 || status === 403
        ? 'Allow reading it, or pass a fetch of your own that signs in.'
        : 'Check the address, or try again later.';
    throw new TransformerError(
      'FILE_UNREADABLE',
      `${this.#display(file)} answered HTTP ${status} ${response.statusText}`.trimEnd() +
        `. ${next}`,
    );
  }

  /**
   * The body of a 200: all of the file. It is kept when only a range of it was wanted; of two
   * requests that find this out at the same time, one body is dropped.
   */
  async #readWhole(
    file: string,
    range: FileRange | undefined,
    response: Response,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const download = async (): Promise<Uint8Array> => {
      const bytes = await this.#body(file, response, signal);
      this.#checkLength(file, response, bytes.length);
      this.#noteSize(file, bytes.length);
      return bytes;
    };
    if (range === undefined) return download();
    let body = this.#bodies.get(file);
    if (body === undefined) {
      const own = download();
      body = own;
      this.#bodies.set(file, own);
      own.catch(() => {
        if (this.#bodies.get(file) === own) this.#bodies.delete(file);
      });
    } else {
      await response.body?.cancel();
    }
    return (await body).subarray(range.start, range.end);
  }

  async #body(
    file: string,
    response: Response,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    try {
      return new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throwIfAborted(signal);
      const next = 'Check the network, then load again.';
      throw this.#unreadable(file, `broke off: ${reasonOf(cause)}. ${next}`, cause);
    }
  }

  /** A whole body shorter than announced is refused, where the announcement is known to hold. */
  #checkLength(file: string, response: Response, got: number): void {
    const { headers, type } = response;
    // Compressed bodies announce their compressed length; other origins may hide that they are.
    if (type === 'cors' || headers.has('Content-Encoding')) return;
    const announced = headers.get('Content-Length');
    if (announced === null || got >= Number(announced)) return;
    throw new TransformerError(
      'FILE_TRUNCATED',
      `${this.#display(file)} broke off: got ${got} of ${announced} bytes. Try again.`,
    );
  }

  /** Remembers a file's total bytes; two sizes mean that bytes of two versions would be mixed. */
  #noteSize(file: string, size: number | undefined): void {
    if (size === undefined || !Number.isSafeInteger(size)) return;
    const known = this.#sizes.get(file) ?? size;
    this.#sizes.set(file, size);
    if (known === size) return;
    throw new TransformerError(
      'FILE_UNREADABLE',
      `${this.#display(file)} changed while it was read: it had ${known} bytes, now ` +
        `${size}. Load again.`,
    );
  }

  #display(file: string): string {
    return display(fileUrl(this.#folder, file));
  }

  #unreadable(file: string, what: string, cause: unknown): TransformerError {
    return new TransformerError('FILE_UNREADABLE', `${this.#display(file)} ${what}`, { cause });
  }
}

/** The folder's address, ending in `/`. */
function folderUrl(url: string | URL): URL {
  const page = typeof location === 'undefined' ? undefined : location.href;
  let folder: URL;
  try {
    folder = new URL(url, page);
  } catch (cause) {
    const wanted = page === undefined ? 'a full address such as https://host/model/' : 'an address';
    throw new TransformerError('INPUT_INVALID', `"${url}" is no URL. Pass ${wanted}.`, {
      cause,
    });
  }
  folder.hash = '';
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return folder;
}

/** The file's address: its name goes into the path, the folder's query stays behind it. */
function fileUrl(folder: URL, file: string): URL {
  const url = new URL(folder);
  url.pathname += file.split(/[\\/]/).map(encodeURIComponent).join('/');
  return url;
}

/** An address for messages, without what may be secret: credentials and query. */
function display(url: URL): string {
  const shown = new URL(url);
  shown.username = shown.password = shown.search = '';
  return shown.href;
}

function rangeHeader({ start, end }: FileRange): string {
  return `bytes=${start}-${end - 1}`;
}

/** The total in Content-Range, the number behind the slash; undefined when hidden or unknown. */
function totalOf(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

/** What made a fetch fail; Node hides the reason in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
