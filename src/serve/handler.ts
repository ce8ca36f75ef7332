// createHandler: from a Request to a Response, with all that stands around the endpoints.

import { fieldOf, hasMethod, refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';
import { ApiError, endOf } from './api-error.ts';
import type { Call, Notes, Service } from './call.ts';
import { corsHeaders, preflight } from './cors.ts';
import { Deadline } from './deadline.ts';
import { BatchedScheduler } from './batched-scheduler.ts';
import { FairQueue } from './fair-queue.ts';
import { keyReader } from './keys.ts';
import { logEntry } from './log.ts';
import { Metrics } from './metrics.ts';
import { Models } from './models.ts';
import { checkedOptions, type CheckedOptions, type HandlerOptions } from './options.ts';
import { routeOf } from './routes.ts';

/** What a handler may be told of a request that does not stand in it. */
export interface Caller {
  /** Who asks, such as an address: those who wait take turns. Where keys are asked for, the key says it. */
  client?: string;
}

/** Answers requests. */
export interface Handler {
  /** The answer to a request. What fails is told in it.
   * Errors: INPUT_INVALID for what is no Request. */
  (request: Request, info?: Caller): Promise<Response>;
  /**
   * Refuses new requests with 503, and resolves when all answers have ended. Those that take longer than `patience`
   * milliseconds (for ever when absent) are cut off.
   */
  close(options?: { patience?: number }): Promise<void>;
}

/**
 * Makes a handler that answers as OpenAI's API does: `/v1/models`, `/v1/chat/completions`, `/v1/completions`,
 * `/v1/embeddings`, `/v1/rerank`, `/v1/audio/transcriptions` and `/v1/audio/translations`, and besides `/healthz`
 * and `/metrics`. It uses nothing but the Web's standards, so that it runs in servers, pages and workers.
 * Errors: OPTION_*, INPUT_INVALID.
 * @example
 * const handler = createHandler({ models: { chat: await pipeline('text-generation', source) } });
 * const response = await handler(new Request('http://localhost/v1/models'));
 */
export function createHandler(options: HandlerOptions): Handler {
  const server = new Server(checkedOptions(options));
  const answer = (request: Request, info?: Caller): Promise<Response> =>
    server.answer(request, info);
  return Object.assign(answer, { close: server.close });
}

class Server {
  readonly #options: CheckedOptions;
  readonly #service: Service;
  readonly #keyOf: ReturnType<typeof keyReader>;
  /** Requests under way: each ends its own. */
  readonly #running = new Set<Deadline>();
  #closing = false;
  #onEnd: (() => void) | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
    const queue = new FairQueue(1, options.limits.waiting);
    const models = new Models(
      options.models,
      ({ model }) => new BatchedScheduler(model, options.limits),
    );
    this.#service = { models, queue, limits: options.limits, metrics: new Metrics() };
    this.#keyOf = keyReader(options.apiKeys);
  }

  async answer(request: Request, info: Caller = {}): Promise<Response> {
    checkCall(request, info);
    const { cors, basePath } = this.#options;
    if (request.method === 'OPTIONS') return preflight(cors, request);
    const { pathname } = new URL(request.url);
    const isOurs = pathname.startsWith(`${basePath}/`);
    const path = isOurs ? pathname.slice(basePath.length) : pathname;
    if (path === '/healthz' && request.method === 'GET') return this.#health();
    const exchange = new Exchange(request, path, this.#options, this.#service);
    this.#running.add(exchange.deadline);
    const response = await this.#respond(exchange, isOurs, info);
    return exchange.finished(response, corsHeaders(cors, request), () => {
      this.#running.delete(exchange.deadline);
      if (this.#running.size === 0) this.#onEnd?.();
    });
  }

  async #respond(exchange: Exchange, isOurs: boolean, { client }: Caller): Promise<Response> {
    const { request, path, deadline } = exchange;
    try {
      if (this.#closing) throw shuttingDown();
      const key = await this.#keyOf(request.headers);
      if (!isOurs) throw new ApiError(404, `There is nothing at ${path}.`, { code: 'not_found' });
      const { endpoint, name, rest } = routeOf(request.method, path);
      exchange.route = name;
      const call = exchange.call(rest, key ?? client ?? '');
      return await deadline.race(endpoint(call));
    } catch (error) {
      return exchange.failed(error);
    }
  }

  #health(): Response {
    const isReady = !this.#closing && this.#service.models.areReady;
    const status = this.#closing ? 'closing' : isReady ? 'ok' : 'no device';
    return Response.json({ status }, { status: isReady ? 200 : 503 });
  }

  readonly close: Handler['close'] = async (options = {}) => {
    refuseUnknown(options, ['patience'], 'option of close');
    const { patience = Infinity } = options;
    if (typeof patience !== 'number' || !(patience >= 0)) {
      throw new TransformerError('OPTION_INVALID', 'patience is no number of milliseconds.');
    }
    this.#closing = true;
    await this.#ended(patience);
    this.#service.models.dispose();
  };

  /** Waits for what runs, as long as there is patience. */
  async #ended(patience: number): Promise<void> {
    if (this.#running.size === 0) return;
    const ended = new Promise<void>((resolve) => {
      this.#onEnd = resolve;
    });
    const cutOff = (): void => {
      for (const one of this.#running) one.end(shuttingDown());
    };
    const timer = patience < 2 ** 31 ? setTimeout(cutOff, patience) : undefined;
    await ended;
    clearTimeout(timer);
  }
}

function shuttingDown(): ApiError {
  return new ApiError(503, 'The server is shutting down. Send the request again.', {
    code: 'shutting_down',
    headers: { 'retry-after': '1' },
  });
}

/** Errors: INPUT_INVALID, OPTION_UNKNOWN. */
function checkCall(request: unknown, info: Caller): void {
  refuseUnknown(info, ['client'], 'field about a request');
  const { client = '' } = info;
  if (typeof client !== 'string') {
    throw new TransformerError('INPUT_INVALID', `client is ${show(client)}; wanted a string.`);
  }
  if (hasMethod(request, 'arrayBuffer') && typeof fieldOf(request, 'url') === 'string') return;
  throw new TransformerError(
    'INPUT_INVALID',
    `A handler was called with ${show(request)}; wanted a Request.`,
  );
}

/** A request and what becomes of it. */
class Exchange {
  readonly request: Request;
  readonly path: string;
  readonly deadline: Deadline;
  route = 'other';
  readonly #options: CheckedOptions;
  readonly #service: Service;
  readonly #id = crypto.randomUUID();
  readonly #begin = performance.now();
  readonly #notes: Notes = { promptTokens: 0, completionTokens: 0 };

  constructor(request: Request, path: string, options: CheckedOptions, service: Service) {
    this.request = request;
    this.path = path;
    this.#options = options;
    this.#service = service;
    this.deadline = new Deadline(request.signal, options.limits.time);
  }

  call(rest: string, client: string): Call {
    const onToken = (): void => {
      this.#notes.completionTokens++;
      this.#notes.firstTokenAfter ??= performance.now() - this.#begin;
    };
    const { signal } = this.deadline;
    const { request } = this;
    return { ...this.#service, request, rest, client, signal, notes: this.#notes, onToken };
  }

  failed(error: unknown): Response {
    const known = endOf(this.deadline.signal, error);
    this.#notes.error = known;
    return Response.json(known.body, { status: known.status, headers: known.headers });
  }

  /** The response with its last headers; `onEnd` is called when it has been read, or never will be. */
  finished(
    response: Response,
    headers: Readonly<Record<string, string>>,
    onEnd: () => void,
  ): Response {
    const all = new Headers(response.headers);
    for (const [name, value] of Object.entries({ ...headers, 'x-request-id': this.#id })) {
      all.set(name, value);
    }
    const { status } = response;
    const isStream = all.get('content-type')?.startsWith('text/event-stream') === true;
    const end = (): void => {
      this.deadline.dispose();
      this.#note(this.#notes.error?.status ?? status);
      onEnd();
    };
    if (!isStream || response.body === null) {
      end();
      return new Response(response.body, { status, headers: all });
    }
    return new Response(this.deadline.watched(response.body, end), { status, headers: all });
  }

  #note(status: number): void {
    const { metrics } = this.#service;
    const { model = '', promptTokens, completionTokens, firstTokenAfter } = this.#notes;
    const duration = performance.now() - this.#begin;
    metrics.requests.add({ endpoint: this.route, status: String(status) });
    metrics.duration.observe({ endpoint: this.route }, duration / 1000);
    if (promptTokens > 0) metrics.promptTokens.add({ model }, promptTokens);
    if (completionTokens > 0) metrics.completionTokens.add({ model }, completionTokens);
    if (firstTokenAfter !== undefined)
      metrics.firstToken.observe({ model }, firstTokenAfter / 1000);
    const { log, logPrompts } = this.#options;
    const { request, path } = this;
    try {
      log?.(logEntry({ id: this.#id, request, path, status, duration }, this.#notes, logPrompts));
    } catch {
      // An answer is not held up by its log.
    }
  }
}
