// OpenAI's own client before a handler, without a network between them.

import OpenAI from 'openai';
import type { Handler } from 'webgpu-transformer/serve';

/** A client whose requests a handler answers. */
export function clientOf(handler: Handler, apiKey = 'none'): OpenAI {
  return new OpenAI({
    apiKey,
    baseURL: 'http://localhost/v1',
    maxRetries: 0,
    dangerouslyAllowBrowser: true,
    fetch: (url, init) => handler(new Request(url, init)),
  });
}

/** What a handler answers to a body as it stands, or to a value as JSON. */
export function post(handler: Handler, path: string, body: unknown): Promise<Response> {
  return handler(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
}
