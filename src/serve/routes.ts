// Which endpoint answers which path.

import { ApiError } from './api-error.ts';
import type { Endpoint } from './call.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { rerank } from './rerank.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  /** What it is called in metrics. */
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly rest: string;
}

const hears =
  (task: 'transcribe' | 'translate'): Endpoint =>
  async (call) => {
    const { transcribe } = await import('./transcriptions.ts');
    return transcribe(call, task);
  };

const posted: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': chatCompletions,
  '/v1/completions': completions,
  '/v1/embeddings': embeddings,
  '/v1/rerank': rerank,
  '/v1/audio/transcriptions': hears('transcribe'),
  '/v1/audio/translations': hears('translate'),
};

const asked: Readonly<Record<string, Endpoint>> = {
  '/v1/models': (call) => call.models.list(call),
  '/metrics': async ({ metrics, models, queue }) =>
    new Response(metrics.text([queue.load, models.load]), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    }),
};

/** The route of a path. @throws ApiError 404 where there is none, 405 for another method */
export function routeOf(method: string, path: string): Route {
  const route = routeAt(path);
  if (route === undefined) {
    throw new ApiError(404, `There is nothing at ${path.slice(0, 200)}.`, { code: 'not_found' });
  }
  if (route.method === method) return route;
  throw new ApiError(405, `${path} wants ${route.method}.`, {
    code: 'method_not_allowed',
    headers: { allow: route.method },
  });
}

function routeAt(path: string): Route | undefined {
  const post = Object.hasOwn(posted, path) ? posted[path] : undefined;
  if (post !== undefined) return { method: 'POST', name: path, endpoint: post, rest: '' };
  const get = Object.hasOwn(asked, path) ? asked[path] : undefined;
  if (get !== undefined) return { method: 'GET', name: path, endpoint: get, rest: '' };
  const [, rest] = /^\/v1\/models\/(.+)$/.exec(path) ?? [];
  if (rest === undefined) return undefined;
  const endpoint: Endpoint = (call) => call.models.retrieve(call);
  return { method: 'GET', name: '/v1/models/{id}', endpoint, rest };
}
