// How requests over HTTP are made.

import { refuseUnknown, TransformerError } from '../runtime/errors.ts';
import { show } from '../runtime/print.ts';

export type Fetch = typeof globalThis.fetch;

/** How requests over HTTP are made. */
export interface HttpOptions {
  /** Sends the requests, for instance with credentials; default the global one. */
  readonly fetch?: Fetch | undefined;
  /**
   * Sent as `Authorization: Bearer` to the origin of the address, not to where it redirects. User and
   * password of the address are sent in the same way where there is no token.
   */
  readonly token?: string | undefined;
  /** Attempts after a broken connection or a busy server (4), */
  readonly retries?: number | undefined;
  /** and milliseconds before the first of them, doubled each time (500). */
  readonly retryDelay?: number | undefined;
  /**
   * Milliseconds without a byte, or with fewer than 256 bytes a second, after which a connection
   * counts as broken (30 000). Infinity waits without end.
   */
  readonly stallTimeout?: number | undefined;
}

/** The names of `HttpOptions`. */
const httpOptions: readonly string[] = ['fetch', 'token', 'retries', 'retryDelay', 'stallTimeout'];

/** The options as they may be used. Errors: OPTION_UNKNOWN, OPTION_INVALID. */
export function checkHttpOptions<Options extends HttpOptions>(
  options: Options,
  caller: string,
  more: readonly string[] = [],
): Options {
  refuseUnknown(options, [...httpOptions, ...more], `option of ${caller}`);
  const { fetch, retries, retryDelay, stallTimeout } = options;
  if (fetch !== undefined && typeof fetch !== 'function')
    throw invalid('fetch', fetch, 'a function');
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0) && retries !== Infinity)
    throw invalid('retries', retries, 'a whole number from 0');
  if (retryDelay !== undefined && !(Number.isFinite(retryDelay) && retryDelay >= 0))
    throw invalid('retryDelay', retryDelay, 'milliseconds from 0');
  if (stallTimeout !== undefined && !(typeof stallTimeout === 'number' && stallTimeout > 0))
    throw invalid('stallTimeout', stallTimeout, 'milliseconds above 0, or Infinity');
  return { ...options, token: checkToken(options.token) };
}

/** A token as headers may hold it. The message does not have it. */
function checkToken(token: unknown): string | undefined {
  if (token === undefined) return undefined;
  if (typeof token !== 'string') {
    throw new TransformerError('OPTION_INVALID', `token is a ${typeof token}; wanted a text.`);
  }
  // Files end in a line break, and what is read from them often does.
  const text = token.trim();
  const wrong = /[^!-~]/.exec(text);
  if (wrong === null) return text === '' ? undefined : text;
  const code = text.charCodeAt(wrong.index).toString(16).toUpperCase().padStart(4, '0');
  throw new TransformerError(
    'OPTION_INVALID',
    `token has the character U+${code} at place ${wrong.index + 1}, which no token has. Pass the ` +
      'token alone, without line breaks, spaces or quotes around it.',
  );
}

function invalid(option: string, got: unknown, wanted: string): TransformerError {
  return new TransformerError('OPTION_INVALID', `${option} is ${show(got)}; wanted ${wanted}.`);
}
