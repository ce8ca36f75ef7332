// What clients are told when a request fails, in the shape that OpenAI's clients read.

import { isA, TransformerError, type ErrorCode } from '../runtime/errors.ts';
import { QueueFull } from './scheduler.ts';

/** The body of an answer that tells of an error. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface Details {
  readonly code?: string;
  /** The field of the request that is wrong. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Ends a request with this status. */
export class ApiError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #code: string | null;
  readonly #param: string | null;

  constructor(status: number, message: string, details: Details = {}) {
    const { code = null, param = null, headers = {}, cause } = details;
    super(message, cause === undefined ? {} : { cause });
    this.name = 'ApiError';
    this.status = status;
    this.headers = headers;
    this.#code = code;
    this.#param = param;
  }

  get body(): ErrorBody {
    const { message } = this;
    return {
      error: { message, type: typeOf(this.status), param: this.#param, code: this.#code },
    };
  }
}

/** A field of a request that is wrong. */
export function wrongField(param: string, message: string, code = 'invalid_value'): ApiError {
  return new ApiError(400, message, { param, code });
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** What the client asked for wrongly. */
const ofClients: ReadonlySet<ErrorCode> = new Set([
  'FILE_INVALID',
  'FILE_TRUNCATED',
  'INPUT_INVALID',
  'LIMIT_EXCEEDED',
  'MODEL_UNSUPPORTED',
  'OPTION_INVALID',
  'OPTION_UNKNOWN',
]);

/** What is over once the model stands on a device again, or has more memory. */
const ofDevice: Readonly<Partial<Record<ErrorCode, string>>> = {
  DEVICE_LOST:
    'The GPU was lost while the request ran, and the model is being loaded again. Send the request again.',
  DISPOSED: 'The model has been taken away. Send the request again later.',
  OUT_OF_MEMORY: 'The GPU has no memory left for this request. Send a shorter one, or later.',
};

/** The error of a request with this signal: where the server ended it, why it did. */
export function endOf({ aborted, reason }: AbortSignal, error: unknown): ApiError {
  const why: unknown = reason;
  return aborted && why instanceof ApiError ? why : apiError(error);
}

/** Any error as what a client is told. What is a defect tells nothing of the inside. */
function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueueFull) {
    const headers = { 'retry-after': String(error.retryAfter) };
    const message = `${error.message} Send the request again in ${error.retryAfter} s.`;
    return new ApiError(429, message, { code: 'queue_full', headers, cause: error });
  }
  if (isA(error, TransformerError)) {
    const code = error.code.toLowerCase();
    if (ofClients.has(error.code)) {
      return new ApiError(400, error.message, { code, cause: error });
    }
    const message = ofDevice[error.code];
    if (message !== undefined) {
      return new ApiError(503, message, { code, headers: { 'retry-after': '1' }, cause: error });
    }
    if (error.code === 'ABORTED') {
      return new ApiError(499, 'The request was cancelled.', { code, cause: error });
    }
  }
  return new ApiError(500, 'The server failed to answer. Its log says why.', {
    code: 'internal_error',
    cause: error,
  });
}
