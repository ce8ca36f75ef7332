// Requests for the files of one folder on a server, and the errors that speak of them. What was sent to
// sign in is in no message.

import { type ErrorCode, throwIfAborted, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { redact, redactCause } from '../runtime/redact.ts';
import { basicLogin, display } from './address.ts';
import { explainFailure } from './fetch-failure.ts';
import { reasonOf } from './http-headers.ts';
import type { Fetch, HttpOptions } from './http-options.ts';
import { Interruption } from './retry.ts';
import { checkFileName } from './source.ts';
import { Watch } from './watch.ts';

/** An answer, and the watch over its bytes. */
export interface Answer {
  readonly response: Response;
  readonly watch: Watch;
}

/** What is shorter would be found in every word. */
const SHORTEST = 5;

/** What to ask for; `range` as its header has it. */
export interface RequestFor {
  readonly method: string;
  readonly range: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export class HttpRequests {
  readonly #locate: (file: string) => URL;
  readonly #fetch: Fetch;
  /** For the header `Authorization`. */
  readonly #login: string | undefined;
  readonly #stallTimeout: number;

  constructor(
    folder: URL,
    locate: (file: string) => URL,
    { fetch, token, stallTimeout = 30_000 }: HttpOptions,
  ) {
    this.#locate = locate;
    this.#fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#login = token === undefined ? basicLogin(folder) : `Bearer ${token}`;
    this.#stallTimeout = stallTimeout;
  }

  /**
   * Sends one request and hands its answer to `use`. Throws `Interruption` when it may be sent again.
   * The connection is closed when `use` is done.
   */
  async send<T>(
    file: string,
    { method, range, signal }: RequestFor,
    use: (answer: Answer) => Promise<T>,
  ): Promise<T> {
    checkFileName(file);
    const headers: Record<string, string> = {};
    if (range !== undefined) headers['Range'] = range;
    if (this.#login !== undefined) headers['Authorization'] = this.#login;
    const watch = new Watch(this.#stallTimeout, signal);
    try {
      // Browsers let ranges of one file wait for each other where they could keep them.
      const cache: RequestCache = range === undefined ? 'no-cache' : 'no-store';
      const response = await this.#fetchOne(file, { method, headers, cache }, { watch, signal });
      watch.answered();
      return await use({ response, watch });
    } finally {
      watch.close();
    }
  }

  async #fetchOne(
    file: string,
    init: RequestInit,
    { watch, signal }: { readonly watch: Watch; readonly signal: AbortSignal | undefined },
  ): Promise<Response> {
    const url = this.#locate(file);
    // `fetch` refuses addresses with them; they are sent as a header.
    url.username = url.password = '';
    let response: unknown;
    try {
      response = await watch.until(this.#fetch(url.href, { ...init, signal: watch.signal }));
    } catch (cause) {
      throwIfAborted(signal);
      const { what, retries } = watch.signal.aborted
        ? { what: `got no answer: ${reasonOf(cause)}. Check the network.`, retries: 1 }
        : await explainFailure(cause, url, this.#fetch);
      throw new Interruption(this.unreadable(file, what, cause), { retries });
    }
    if (response instanceof Object && 'headers' in response) return response as Response;
    throw this.unreadable(file, `was answered by ${show(response)}: fetch must give a Response.`);
  }

  unreadable(file: string, what: string, cause?: unknown): TransformerError {
    return this.error('FILE_UNREADABLE', file, what, cause === undefined ? {} : { cause });
  }

  error(
    code: ErrorCode,
    file: string,
    what: string,
    options: { readonly cause?: unknown } = {},
  ): TransformerError {
    // Whatever its shape is, what was sent is not shown.
    const sent = this.#login?.replace(/^\w+ /, '') ?? '';
    const secret = sent.length < SHORTEST ? undefined : sent;
    const message = redact(`${display(this.#locate(file))} ${what}`, secret);
    const { cause } = options;
    const safe = cause === undefined ? {} : { cause: redactCause(cause, secret) };
    return new TransformerError(code, message, safe);
  }
}
