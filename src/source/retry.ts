// Trying again what may succeed later: a connection that broke, a server that is busy.

import { throwIfAborted, type TransformerError } from '../runtime/errors.ts';

export interface RetryOptions {
  /** Attempts after the first without much progress between them. */
  readonly retries: number;
  /** Milliseconds before the first of them; each further one waits twice as long. */
  readonly retryDelay: number;
}

/** Bytes after which a connection that breaks again counts as a new failure. */
const PROGRESS = 64 * 1024;

/** Milliseconds that a server may ask us to wait. Beyond, the user had better know. */
const LONGEST_WAIT = 120_000;

/** Thrown by work that may be tried again; `error` is what the caller gets in the end. */
export class Interruption {
  readonly error: TransformerError;
  readonly wait: number | undefined;
  readonly retries: number;

  /**
   * @param how milliseconds the server asked to wait, and attempts after the first that may help
   *   work that has received nothing
   */
  constructor(
    error: TransformerError,
    how: { readonly wait?: number | undefined; readonly retries?: number } = {},
  ) {
    this.error = error;
    this.wait = how.wait;
    this.retries = how.retries ?? Infinity;
  }
}

/**
 * Does the work until it succeeds, fails for good or was interrupted too often. Work that got
 * further since, by the bytes that `received` counts, starts with all its retries again.
 */
export async function withRetries<T>(
  work: () => Promise<T>,
  received: () => number,
  { retries, retryDelay }: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<T> {
  let failures = 0;
  let reached = 0;
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      throwIfAborted(signal);
      if (!(thrown instanceof Interruption)) throw thrown;
      if (received() - reached >= PROGRESS) {
        reached = received();
        failures = 0;
      }
      const wait = thrown.wait ?? retryDelay * 2 ** failures;
      const most = received() > 0 ? retries : Math.min(retries, thrown.retries);
      if (failures++ >= most || wait > LONGEST_WAIT) throw thrown.error;
      await pause(wait, signal);
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
  throwIfAborted(signal);
}

/**
 * The result of the call that came first of those with one key. One that failed is forgotten, and
 * who waited for it makes its own: it may have failed by the abort of that call alone.
 */
export async function shared<T>(
  results: Map<string, Promise<T>>,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  for (let other = results.get(key); other !== undefined; other = results.get(key)) {
    try {
      return await other;
    } catch {
      if (results.get(key) === other) results.delete(key);
    }
  }
  const own = make();
  results.set(key, own);
  try {
    return await own;
  } catch (error) {
    if (results.get(key) === own) results.delete(key);
    throw error;
  }
}
