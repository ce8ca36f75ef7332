// How requests over HTTP are made.

export type Fetch = typeof globalThis.fetch;

export interface HttpOptions {
  /** Sends the requests, for instance with credentials; default the global one. */
  readonly fetch?: Fetch | undefined;
  /** Sent as `Authorization: Bearer` to the origin of the address, not to where it redirects. */
  readonly token?: string | undefined;
  /** Attempts after a broken connection or a busy server (4), */
  readonly retries?: number | undefined;
  /** and milliseconds before the first of them, doubled each time (500). */
  readonly retryDelay?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as broken (30 000). */
  readonly stallTimeout?: number | undefined;
}

/** The names of `HttpOptions`. */
export const httpOptions: readonly string[] = [
  'fetch',
  'token',
  'retries',
  'retryDelay',
  'stallTimeout',
];
