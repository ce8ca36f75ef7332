// Watches over one request: it ends when its caller aborts it, when it is done with, and when it brings
// nothing, or next to nothing, for too long. A `fetch` of the caller's own may heed none of that.

/** Bytes a second that a connection must bring on average. */
const FLOOR = 256;

/** Milliseconds that timers can wait. */
const LONGEST = 2 ** 31 - 1;

export class Watch {
  /** Fires when the request should end, with the reason. */
  readonly signal: AbortSignal;
  readonly #closing = new AbortController();
  readonly #stallTimeout: number;
  #stop: (() => void) | undefined;
  #bytes = 0;
  #isWhole = false;

  /** @param stallTimeout milliseconds; Infinity never ends the request */
  constructor(stallTimeout: number, signal: AbortSignal | undefined) {
    this.#stallTimeout = stallTimeout;
    const { signal: own } = this.#closing;
    this.signal = signal === undefined ? own : AbortSignal.any([signal, own]);
    this.#wait();
  }

  /** The answer began. */
  answered(): void {
    this.#wait();
  }

  /** Bytes of it arrived: the wait begins anew when they are enough for the last one. */
  arrived(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= (FLOOR * this.#stallTimeout) / 1000) this.#wait();
  }

  /** All of it is there: there is nothing to end any more. Browsers call what is ended then a failure. */
  whole(): void {
    this.#isWhole = true;
  }

  /** The work's result, or a rejection as soon as the request should end. */
  async until<T>(given: PromiseLike<T> | T): Promise<T> {
    const work = Promise.resolve(given);
    const { signal } = this;
    let stop: () => void = () => undefined;
    const ended = new Promise<never>((_, reject) => {
      stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      signal.removeEventListener('abort', stop);
      // Whoever lost the race may still fail, which nobody waits for.
      work.catch(() => undefined);
    }
  }

  /** Ends the request, if it goes on, and the wait for it. */
  close(): void {
    this.#stop?.();
    if (!this.#isWhole) this.#closing.abort();
  }

  #wait(): void {
    this.#stop?.();
    this.#bytes = 0;
    if (this.#stallTimeout > LONGEST) return;
    this.#stop = after(this.#stallTimeout, () => {
      const what = this.#bytes === 0 ? 'nothing' : `no more than ${this.#bytes} bytes`;
      this.#closing.abort(new Error(`${what} arrived for ${this.#stallTimeout / 1000} s`));
    });
  }
}

/**
 * Calls `then` after so many milliseconds, unless what it returns is called before. Where a program was
 * busy in the meantime, what arrived is looked at first: the wait has two halves.
 */
export function after(milliseconds: number, then: () => void): () => void {
  const half = milliseconds / 2;
  let timer = setTimeout(() => (timer = setTimeout(then, half)), half);
  return () => clearTimeout(timer);
}
