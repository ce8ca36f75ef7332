// A model folder on a web server, read by byte ranges. Servers differ: some ignore ranges, some
// hide headers from other origins, some answer an HTML page for a file they do not have. Networks
// fail: a read goes on from the byte where it was cut off.

import { throwIfAborted, type TransformerError } from '../runtime/errors.ts';
import { display } from './address.ts';
import { Download } from './download.ts';
import {
  compareFacts,
  factsOf,
  lengthOf,
  partOf,
  PASSING,
  reasonOf,
  retryAfter,
  sizeOf,
  totalOf,
} from './http-headers.ts';
import type { HttpOptions } from './http-options.ts';
import { type Answer, HttpRequests, type RequestFor } from './http-requests.ts';
import { Interruption, type RetryOptions, shared, withRetries } from './retry.ts';
import type { FileFacts, FileRange, RemoteSource } from './source.ts';

/** What a read is for, beside its bytes. */
interface Reading {
  readonly signal: AbortSignal | undefined;
  /** The file that its bytes must be of. */
  readonly expected?: FileFacts | undefined;
}

/** A folder on a server: see `httpSource`. */
export class HttpSource implements RemoteSource {
  readonly name: string;
  readonly key: string;
  readonly #requests: HttpRequests;
  readonly #denied: string;
  readonly #retry: RetryOptions;
  readonly #facts = new Map<string, FileFacts>();
  readonly #bodies = new Map<string, Promise<Uint8Array>>();
  readonly #pages = new Set<string>();

  /** @param denied what to do when the server refuses to give a file, as a sentence */
  constructor(
    folder: URL,
    locate: (file: string) => URL,
    options: HttpOptions,
    denied = 'Allow reading it, or pass a token, or a fetch of your own that signs in.',
  ) {
    this.name = display(folder);
    this.key = folder.href;
    this.#requests = new HttpRequests(folder, locate, options);
    this.#denied = denied;
    const { retries = 4, retryDelay = 500 } = options;
    this.#retry = { retries, retryDelay };
  }

  async read(
    file: string,
    range?: FileRange,
    signal?: AbortSignal,
    expected?: FileFacts,
  ): Promise<Uint8Array | undefined> {
    // Another call's download may fail by its abort: then this one fetches for itself.
    const kept = await this.#bodies.get(file)?.catch(() => undefined);
    if (kept === undefined) return this.#download(file, range, { signal, expected });
    this.#compare(file, this.#facts.get(file) ?? {}, expected);
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
      // Only what it says is wanted: where ranges are ignored, the whole file follows.
      const use = async ({ response, watch }: Answer): Promise<Response> => {
        // A browser calls an answer failed whose end, there at once, was not read.
        const end = method === 'HEAD' && (await watch.until(response.body?.getReader().read()));
        if (end === undefined || (end !== false && end.done)) watch.whole();
        return response;
      };
      const request = (): Promise<Response | undefined> =>
        this.#request(file, { method, range: 'bytes=0-0', signal }, use);
      return withRetries(request, () => 0, this.#retry, signal);
    };
    // Some servers know no HEAD, or say that the file is missing.
    const head = await ask('HEAD').catch((error: TransformerError) => {
      if (error.cause !== undefined || error.code === 'ABORTED') throw error;
      return undefined;
    });
    const response = head ?? (await ask('GET'));
    return response && this.#note(file, response, sizeOf(response), {});
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
    reading: Reading,
    first?: Answer,
  ): Promise<Uint8Array | undefined> {
    const download = new Download(range);
    const receive = (answer: Answer): Promise<Uint8Array> =>
      this.#receive(file, download, answer, reading);
    let given = first;
    const attempt = (): Promise<Uint8Array | undefined> => {
      const answer = given;
      given = undefined;
      if (answer !== undefined) return receive(answer);
      const { signal } = reading;
      return this.#request(file, { method: 'GET', range: download.rangeHeader, signal }, receive);
    };
    return withRetries(attempt, () => download.received, this.#retry, reading.signal);
  }

  /** Adds an answer's bytes to a download. */
  async #receive(
    file: string,
    download: Download,
    answer: Answer,
    reading: Reading,
  ): Promise<Uint8Array> {
    const { response, watch } = answer;
    const { range, position } = download;
    const total = totalOf(response);
    let part: FileRange | undefined;
    if (response.status === 200) {
      if (range !== undefined) {
        const whole = await this.#keepWhole(file, answer, reading);
        return whole.subarray(range.start, range.end);
      }
      download.restart(lengthOf(response));
      this.#note(file, response, download.wanted, reading);
    } else {
      this.#note(file, response, total, reading);
      // The file ends before the range starts; the body is a page that says so.
      if (response.status === 416) return download.bytes;
      part = this.#partOf(file, response, position);
      const end = Math.min(range?.end ?? Infinity, total ?? Infinity);
      if (total !== undefined) download.wanted = end - (range?.start ?? 0);
    }
    try {
      await download.take(response, watch);
    } catch (cause) {
      throwIfAborted(reading.signal);
      const reason = reasonOf(watch.signal.aborted ? watch.signal.reason : cause);
      const what = `broke off: ${reason}. Check the network, then load again.`;
      const error = this.#requests.unreadable(file, what, cause);
      // No memory for so many bytes: there will be none the next time.
      throw cause instanceof RangeError ? error : new Interruption(error);
    }
    if (download.isTooLong || (part !== undefined && download.position > part.end)) {
      const end = Math.min(range?.end ?? Infinity, part?.end ?? Infinity);
      const most =
        end === Infinity ? 'it said, or than can be kept' : `the bytes ${position} to ${end}`;
      throw this.#requests.unreadable(file, `sent more than ${most}. Check the server.`);
    }
    const { received, wanted, bytes } = download;
    if (wanted !== undefined && received < wanted) {
      const what = `broke off: got ${received} of ${wanted} bytes. Try again.`;
      throw new Interruption(this.#requests.error('FILE_TRUNCATED', file, what));
    }
    if (response.status === 200) this.#note(file, response, received, reading);
    return bytes;
  }

  /** The part of the file that an answer says it has, if it says so. */
  #partOf(file: string, response: Response, position: number): FileRange | undefined {
    let what: string;
    try {
      const part = partOf(response);
      if (part === undefined || part.start === position) return part;
      what = `was asked for bytes from ${position}, and they came from ${part.start}`;
    } catch (cause) {
      what = `${reasonOf(cause)} where the bytes from ${position} were asked for`;
    }
    throw this.#requests.unreadable(file, `${what}. Check the server.`);
  }

  /**
   * The body of a 200 to a range: all of the file. It is kept for the ranges to come; of two
   * requests that find this out at the same time, one body is dropped.
   */
  async #keepWhole(file: string, answer: Answer, reading: Reading): Promise<Uint8Array> {
    if (this.#bodies.has(file)) await answer.response.body?.cancel();
    return shared(this.#bodies, file, async () => {
      const bytes = await this.#download(file, undefined, reading, answer);
      if (bytes === undefined) throw this.#requests.unreadable(file, 'went away. Load again.');
      return bytes;
    });
  }

  /** One request; undefined when the file is missing. Throws `Interruption` when it may be sent again. */
  #request<T>(
    file: string,
    request: RequestFor,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#requests.send(file, request, async (answer) =>
      this.#holdsFile(file, answer.response, request.range) ? use(answer) : undefined,
    );
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
    const what = `answered HTTP ${status} ${statusText.slice(0, 80)}`.trimEnd();
    const error = this.#requests.unreadable(file, `${what}. ${next}`);
    throw PASSING.includes(status)
      ? new Interruption(error, { wait: retryAfter(response) })
      : error;
  }

  /** Remembers which file there is; two versions mean that their bytes would be mixed. */
  #note(
    file: string,
    response: Response,
    size: number | undefined,
    { expected }: Partial<Reading>,
  ): FileFacts {
    const told = { ...factsOf(response), size };
    this.#compare(file, told, expected);
    const facts = this.#compare(file, told, this.#facts.get(file));
    this.#facts.set(file, facts);
    return facts;
  }

  /** What is known of a file. Throws when it is another than the one that was known. */
  #compare(file: string, told: FileFacts, known: FileFacts = {}): FileFacts {
    const { facts, change } = compareFacts(known, told);
    if (change === undefined) return facts;
    this.#facts.delete(file);
    this.#bodies.delete(file);
    throw this.#requests.unreadable(file, `changed while it was read: ${change}. Load again.`);
  }
}
