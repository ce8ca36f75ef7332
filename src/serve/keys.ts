// Who may ask: the keys of a server, compared in a time that says nothing of them.

import { ApiError } from './api-error.ts';

/** All of equal length, whatever the keys are. */
async function digest(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** Zero where both are equal; every byte is looked at. */
function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((bits, byte, at) => bits | (byte ^ (b[at] ?? 0)), 0);
}

/**
 * What tells the key of a request from its headers, as the number of the key; undefined where no key is asked for.
 * It throws an ApiError of 401 for another key, or none.
 */
export function keyReader(
  keys: readonly string[],
): (headers: Headers) => Promise<string | undefined> {
  if (keys.length === 0) return async () => undefined;
  const known = Promise.all(keys.map(digest));
  return async (headers) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '') ?? [];
    const [own, all] = await Promise.all([digest(given), known]);
    // All are compared, so that time tells not which.
    const matches = all.map((one) => difference(own, one));
    const found = matches.indexOf(0);
    if (found >= 0) return `key ${found}`;
    throw new ApiError(
      401,
      `${given === '' ? 'No' : 'A wrong'} API key was sent, as a bearer token.`,
      {
        code: 'invalid_api_key',
        headers: { 'www-authenticate': 'Bearer' },
      },
    );
  };
}
