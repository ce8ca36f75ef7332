// Why a request got no answer, in Node: the codes of its sockets, resolver and TLS.

import { type FetchFailure, PERMANENT } from '../source/fetch-failure.ts';
import { reasonOf } from '../source/http-headers.ts';

interface Kind {
  readonly codes: RegExp;
  /** `host` is that of the address. */
  readonly what: (host: string) => string;
  readonly retries: number;
}

const kinds: readonly Kind[] = [
  {
    codes: /^(ENOTFOUND|EAI_\w+)$/,
    what: (host) => `there is no address for the name ${host}. Check the name, and the network`,
    retries: 0,
  },
  {
    codes: /^ECONNREFUSED$/,
    what: (host) => `no server answers at ${host}. Check the address, and that the server runs`,
    retries: 0,
  },
  {
    codes: /^(ENETUNREACH|EHOSTUNREACH|ENETDOWN|EADDRNOTAVAIL)$/,
    what: (host) => `there is no way to ${host}. Check the network`,
    retries: 0,
  },
  {
    codes: /^(CERT_|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/,
    what: (host) =>
      `TLS failed with ${host}. Check that it speaks https and that its certificate is one that ` +
      'Node trusts (NODE_EXTRA_CA_CERTS adds others)',
    retries: 0,
  },
  {
    codes: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    what: (host) => `${host} did not answer in time. Check the address and the network`,
    retries: 1,
  },
  {
    codes: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    what: (host) => `${host} cut the connection. Try again later`,
    retries: Infinity,
  },
];

/** See `ExplainFailure`. */
export function explainInNode(cause: unknown, { host }: URL): FetchFailure {
  const errors = causesOf(cause);
  const codes = errors.map(({ code }) => code ?? '');
  for (const { codes: wanted, what, retries } of kinds) {
    const code = codes.find((one) => wanted.test(one));
    if (code !== undefined)
      return { what: `could not be fetched: ${what(host)} (${code}).`, retries };
  }
  const isFinal = errors.some(({ message }) => PERMANENT.test(message));
  return {
    what:
      `could not be fetched: ${reasonOf(cause)}. Check the address, without a circle of redirects, ` +
      'and the network.',
    retries: isFinal ? 0 : Infinity,
  };
}

/** An error and those that caused it; several addresses of a name may each have failed. */
function causesOf(error: unknown): (Error & { readonly code?: string })[] {
  if (!(error instanceof Error)) return [];
  const several: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error, ...[error.cause, ...several].flatMap(causesOf)];
}
