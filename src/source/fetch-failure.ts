// Why a request got no answer at all, and whether asking again can help. Browsers hide the reason;
// other platforms register how to tell it.

import { messageOf } from '../runtime/print.ts';
import { reasonOf } from './http-headers.ts';

export interface FetchFailure {
  /** What happened and the next step, as the end of a sentence and another one. */
  readonly what: string;
  /** Attempts after the first that may help, where nothing was received. */
  readonly retries: number;
}

/** What `fetch` says of requests that can never be sent. */
export const PERMANENT: RegExp =
  /redirect|bad port|scheme|header (?:name|value)|invalid (?:url|value|name)|parse url|credentials|bytestring/i;

/** Explains what `fetch` rejected with for this address. */
export type ExplainFailure = (
  cause: unknown,
  url: URL,
  fetch: typeof globalThis.fetch,
) => FetchFailure | Promise<FetchFailure>;

let explain: ExplainFailure = explainInBrowser;

/** Registers how a platform explains failures. */
export function registerFailures(own: ExplainFailure): void {
  explain = own;
}

export const explainFailure: ExplainFailure = (...failure) => explain(...failure);

async function explainInBrowser(
  cause: unknown,
  url: URL,
  fetch: typeof globalThis.fetch,
): Promise<FetchFailure> {
  const { location } = globalThis as { location?: Location };
  const isForeign = location !== undefined && location.origin !== url.origin;
  // An answer that the page may not read still tells that there is a server.
  const look = async (): Promise<Response> =>
    fetch(url.href, { mode: 'no-cors', method: 'HEAD', signal: AbortSignal.timeout(5000) });
  const isThere = isForeign && (await look().then(Boolean, () => false));
  if (isThere) {
    return {
      what:
        'could not be fetched by this page: the server is of another origin and sends no CORS ' +
        'headers (Access-Control-Allow-Origin), or redirects in a circle. Have it send them.',
      retries: 0,
    };
  }
  return {
    what:
      `could not be fetched: ${reasonOf(cause)}. Check that the name exists and the server answers, ` +
      "without a circle of redirects, and that the page's Content-Security-Policy allows it.",
    retries: PERMANENT.test(messageOf(cause)) ? 0 : 2,
  };
}
