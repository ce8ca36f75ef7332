// What ends a request before its answer: a client that goes away, a time limit, a server that closes.

import { abortError } from '../runtime/errors.ts';
import { ApiError } from './api-error.ts';

/** A signal for a request, which is to be disposed of at the end. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #client: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** `client` fires when the client goes away; `time`: milliseconds. */
  constructor(client: AbortSignal, time: number) {
    this.#client = client;
    this.#timer = setTimeout(() => {
      const message = `The answer took longer than ${time} ms. Ask for less, or later.`;
      this.end(new ApiError(504, message, { code: 'timeout' }));
    }, time);
    if (client.aborted) this.#leave();
    else client.addEventListener('abort', this.#leave, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the request for this reason. */
  end(reason: ApiError): void {
    this.#controller.abort(reason);
  }

  readonly #leave = (): void => {
    this.#controller.abort(this.#client.reason);
  };

  /** What work resolves with, unless the request is ended before; work that knows the signal ends, too. */
  async race<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this;
    let abort = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      abort = () => reject(abortError(signal));
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      signal.removeEventListener('abort', abort);
      work.catch(() => undefined);
    }
  }

  /** The same bytes. `onEnd` is called once: at their end, or when their reader goes away, which ends the request. */
  watched(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(value);
          return;
        }
        controller.close();
        onEnd();
      },
      cancel: async (reason) => {
        this.#controller.abort(reason);
        onEnd();
        await reader.cancel(reason);
      },
    });
  }

  /** Lets go of the client's signal and of the timer, and ends what still runs. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#client.removeEventListener('abort', this.#leave);
    this.#controller.abort();
  }
}
