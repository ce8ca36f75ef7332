// Which pages may ask: cross-origin resource sharing, as the Fetch standard has it.

/** What is told to a page of this origin. Without an origin, or for one that may not ask, nothing. */
export function corsHeaders(
  allowed: '*' | readonly string[],
  request: Request,
): Readonly<Record<string, string>> {
  const origin = request.headers.get('origin');
  if (origin === null || allowed.length === 0) return {};
  if (allowed !== '*' && !allowed.includes(origin)) return { vary: 'origin' };
  return {
    'access-control-allow-origin': allowed === '*' ? '*' : origin,
    'access-control-expose-headers': 'retry-after, x-request-id',
    vary: 'origin',
  };
}

/** The answer to a page that asks whether it may ask. */
export function preflight(allowed: '*' | readonly string[], request: Request): Response {
  const headers = corsHeaders(allowed, request);
  const asked = request.headers.get('access-control-request-headers');
  const rights = {
    'access-control-allow-methods': 'GET, POST',
    // A wildcard would not allow the header of the key.
    ...(asked !== null && { 'access-control-allow-headers': asked }),
    'access-control-max-age': '600',
  };
  const mayAsk = 'access-control-allow-origin' in headers;
  return new Response(null, { status: 204, headers: { ...headers, ...(mayAsk && rights) } });
}
