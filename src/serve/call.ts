// A request on its way: who asks, what ends it, and what is noted of it.

import type { ApiError } from './api-error.ts';
import type { FairQueue } from './fair-queue.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Models } from './models.ts';

/** What is noted of a request while it is answered. */
export interface Notes {
  model?: string;
  promptTokens: number;
  completionTokens: number;
  /** What was asked, where the log shall have it. */
  prompt?: unknown;
  /** Milliseconds from the request to its first token. */
  firstTokenAfter?: number;
  /** What ended it. */
  error?: ApiError;
}

/** What all requests share. */
export interface Service {
  readonly models: Models;
  readonly limits: Limits;
  /** For what writes nothing: one request after the other. */
  readonly queue: FairQueue;
  readonly metrics: Metrics;
}

export interface Call extends Service {
  readonly request: Request;
  /** What stands behind the path of the endpoint. */
  readonly rest: string;
  /** Whose turn it is to wait. */
  readonly client: string;
  /** Fires when the client goes away, at the time limit, and at the end of the server's patience. */
  readonly signal: AbortSignal;
  readonly notes: Notes;
  /** Notes that a token was generated. */
  readonly onToken: () => void;
}

/** Answers a call. */
export type Endpoint = (call: Call) => Promise<Response>;

/** A name of something that was made for a request, such as `chatcmpl-…`. */
export function newId(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().replaceAll('-', '')}`;
}

/** Now, in seconds since 1970. */
export function unixTime(): number {
  return Math.floor(Date.now() / 1000);
}
