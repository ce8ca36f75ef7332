// A model folder on a web server, read by byte ranges. Servers differ: some ignore ranges, some
// hide headers from other origins, some answer an HTML page for a file they do not have. Networks
// fail: a read goes on from the byte where it was cut off.

import { type ErrorCode, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { display } from './address.ts';
import { Download } from './download.ts';
import {
  compareFacts,
  factsOf,
  firstOf,
  lengthOf,
  PASSING,
  reasonOf,
  retryAfter,
  sizeOf,
  totalOf,
} from './http-headers.ts';
import { explainFailure } from './fetch-failure.ts';
import type { Fetch, HttpOptions } from './http-options.ts';
import { Interruption, type RetryOptions, shared, withRetries } from './retry.ts';
import { checkFileName, type FileFacts, type FileRange, type RemoteSource } from './source.ts';

/** An answer, the call that tells that its bytes still arrive, and the end of waiting for them. */
interface Answer {
  readonly response: Response;
  readonly alive: () => void;
  readonly closed: AbortSignal;
}

/** A folder on a server: see `httpSource`. */
export class HttpSource implements RemoteSource {
  readonly name: string;
  readonly key: string;
  readonly #locate: (file: string) => URL;
  readonly #fetch: Fetch;
  readonly #token: string | undefined;
  readonly #denied: string;
  readonly #retry: RetryOptions & { readonly stallTimeout: number };
  readonly #facts = new Map<string, FileFacts>();
  readonly #bodies = new Map<string, Promise<Uint8Array>>();
  readonly #pages = new Set<string>();

  /** @param denied what to do when the server refuses to give a file, as a sentence */
  constructor(
    folder: URL,
    locate: (file: string) => URL,
    { fetch, token, retries = 4, retryDelay = 500, stallTimeout = 30_000 }: HttpOptions,
    denied = 'Allow reading it, or pass a token, or a fetch of your own that signs in.',
  ) {
    this.name = display(folder);
    this.key = folder.href;
    this.#locate = locate;
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#token = token;
    this.#denied = denied;
    this.#retry = { retries, retryDelay, stallTimeout };
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    // Another call's download may fail by its abort: then this one fetches for itself.
    const kept = await this.#bodies.get(file)?.catch(() => undefined);
    if (kept === undefined) return this.#download(file, range, signal);
    return range === undefined ? kept : kept.subarray(range.start, range.end);
  }

  async size(file: string, signal?: AbortSignal): Promise<number | undefined> {
    return this.#facts.get(file)?.size ?? (await this.stat(file, signal))?.size;
  }

  async stat(file: string, signal?: AbortSignal): Promise<FileFacts | undefined> {
    // An answer of this load may have told already.
    const known = this.#facts.get(file);
    if (known?.size !== undefined && known.version !== undefined) return known;
    // The range makes browsers and Node ask for the file itself, not for a compressed form of it.
    const ask = (method: string): Promise<Response | undefined> => {
      const use = async ({ response }: Answer): Promise<Response> => {
        // A byte at most, but the whole file where ranges are ignored: that is left alone.
        if (response.status === 206 || method === 'HEAD') await response.arrayBuffer();
        return response;
      };
      const request = (): Promise<Response | undefined> =>
        this.#request(file, method, 'bytes=0-0', signal, use);
      return withRetries(request, () => 0, this.#retry, signal);
    };
    // Some servers know no HEAD, or say that the file is missing.
    const head = await ask('HEAD').catch((error: TransformerError) => {
      if (error.cause !== undefined || error.code === 'ABORTED') throw error;
      return undefined;
    });
    const response = head ?? (await ask('GET'));
    return response && this.#note(file, response, sizeOf(response));
  }

  explain(files: readonly string[]): string | undefined {
    const page = files.find((file) => this.#pages.has(file));
    return page && `The server sent an HTML page in place of ${page}.`;
  }

  release(): void {
    this.#bodies.clear();
    this.#facts.clear();
  }

  /** Bytes of a file over as many requests as it takes. `first` answered the first of them. */
  #download(
    file: string,
    range: FileRange | undefined,
    signal: AbortSignal | undefined,
    first?: Answer,
  ): Promise<Uint8Array | undefined> {
    const download = new Download(range);
    const receive = (answer: Answer): Promise<Uint8Array> =>
      this.#receive(file, download, answer, signal);
    let given = first;
    const attempt = (): Promise<Uint8Array | undefined> => {
      const answer = given;
      given = undefined;
      if (answer !== undefined) return receive(answer);
      return this.#request(file, 'GET', download.rangeHeader, signal, receive);
    };
    return withRetries(attempt, () => download.received, this.#retry, signal);
  }

  /** Adds an answer's bytes to a download. */
  async #receive(
    file: string,
    download: Download,
    answer: Answer,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { response, alive, closed } = answer;
    const { range, position } = download;
    const total = totalOf(response);
    if (response.status === 200) {
      if (range !== undefined) {
        const whole = await this.#keepWhole(file, answer, signal);
        return whole.subarray(range.start, range.end);
      }
      download.restart(lengthOf(response));
      this.#note(file, response, download.wanted);
    } else {
      this.#note(file, response, total);
      // The file ends before the range starts; the body is a page that says so.
      if (response.status === 416) return download.bytes;
      const first = firstOf(response);
      if (first !== undefined && first !== position) {
        const what = `was asked for bytes from ${position}, and they came from ${first}`;
        throw this.#unreadable(file, `${what}. Check the server.`);
      }
      const end = Math.min(range?.end ?? Infinity, total ?? Infinity);
      if (total !== undefined) download.wanted = end - (range?.start ?? 0);
    }
    try {
      await download.take(response, alive);
    } catch (cause) {
      throwIfAborted(signal);
      const reason = reasonOf(closed.aborted ? closed.reason : cause);
      const what = `broke off: ${reason}. Check the network, then load again.`;
      throw new Interruption(this.#unreadable(file, what, cause));
    }
    const { received, wanted, bytes } = download;
    if (wanted !== undefined && received < wanted) {
      const what = `broke off: got ${received} of ${wanted} bytes. Try again.`;
      throw new Interruption(this.#error('FILE_TRUNCATED', file, what));
    }
    if (range !== undefined && download.position > range.end) {
      throw this.#unreadable(file, `sent more than the bytes ${position} to ${range.end}.`);
    }
    if (response.status === 200) this.#note(file, response, received);
    return bytes;
  }

  /**
   * The body of a 200 to a range: all of the file. It is kept for the ranges to come; of two
   * requests that find this out at the same time, one body is dropped.
   */
  async #keepWhole(
    file: string,
    answer: Answer,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (this.#bodies.has(file)) await answer.response.body?.cancel();
    return shared(this.#bodies, file, async () => {
      const bytes = await this.#download(file, undefined, signal, answer);
      if (bytes === undefined) throw this.#unreadable(file, 'went away. Load again.');
      return bytes;
    });
  }

  /**
   * Sends one request and hands on its answer; undefined when the file is missing. Throws
   * `Interruption` when it may be sent again. The connection is closed when `use` is done.
   */
  async #request<T>(
    file: string,
    method: string,
    range: string | undefined,
    signal: AbortSignal | undefined,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T | undefined> {
    checkFileName(file);
    const headers: Record<string, string> = {};
    if (range !== undefined) headers['Range'] = range;
    if (this.#token !== undefined) headers['Authorization'] = `Bearer ${this.#token}`;
    const closing = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = (): void => {
      clearTimeout(timer);
      const { stallTimeout } = this.#retry;
      const why = `nothing arrived for ${stallTimeout / 1000} s`;
      timer = setTimeout(() => closing.abort(new Error(why)), stallTimeout);
    };
    alive();
    try {
      const either = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
      // Browsers let ranges of one file wait for each other where they could keep them.
      const cache: RequestCache = range === undefined ? 'no-cache' : 'no-store';
      const init = { method, headers, cache, signal: either };
      const response = await this.#send(file, init, signal);
      alive();
      if (!this.#holdsFile(file, response, range)) return undefined;
      return await use({ response, alive, closed: closing.signal });
    } finally {
      clearTimeout(timer);
      closing.abort();
    }
  }

  async #send(file: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
    try {
      return await this.#fetch(this.#locate(file).href, init);
    } catch (cause) {
      throwIfAborted(signal);
      const { what, retries } =
        init.signal?.aborted === true
          ? { what: `got no answer: ${reasonOf(cause)}. Check the network.`, retries: 1 }
          : await explainFailure(cause, this.#locate(file), this.#fetch);
      throw new Interruption(this.#unreadable(file, what, cause), { retries });
    }
  }

  /** Whether an answer is the file, or says that it is missing; throws for all else. */
  #holdsFile(file: string, response: Response, range: string | undefined): boolean {
    const { status, headers, statusText } = response;
    const useful = status === 200 || (range !== undefined && (status === 206 || status === 416));
    // Servers of one-page apps answer their page with 200 for every file they do not have.
    const page = /^text\/html/i.test(headers.get('Content-Type') ?? '');
    const stray = useful && page && status !== 416 && !/\.html?$/i.test(file);
    if (stray) this.#pages.add(file);
    if (stray || status === 404 || status === 410) return false;
    if (useful) return true;
    const next =
      status === 401 || status === 403 ? this.#denied : 'Check the address, or try again later.';
    const what = `answered HTTP ${status} ${statusText}`.trimEnd();
    const error = this.#unreadable(file, `${what}. ${next}`);
    throw PASSING.includes(status)
      ? new Interruption(error, { wait: retryAfter(response) })
      : error;
  }

  /** Remembers which file there is; two versions mean that their bytes would be mixed. */
  #note(file: string, response: Response, size: number | undefined): FileFacts {
    const known = this.#facts.get(file) ?? {};
    const { facts, change } = compareFacts(known, { ...factsOf(response), size });
    if (change === undefined) {
      this.#facts.set(file, facts);
      return facts;
    }
    this.#facts.delete(file);
    throw this.#unreadable(file, `changed while it was read: ${change}. Load again.`);
  }

  #unreadable(file: string, what: string, cause?: unknown): TransformerError {
    return this.#error('FILE_UNREADABLE', file, what, cause === undefined ? {} : { cause });
  }

  #error(code: ErrorCode, file: string, what: string, options = {}): TransformerError {
    return new TransformerError(code, `${display(this.#locate(file))} ${what}`, options);
  }
}
