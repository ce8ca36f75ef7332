// POST /v1/rerank, as Cohere, Jina and vLLM have it.

import { isListOf } from '../runtime/lists.ts';
import { fieldOf } from '../runtime/errors.ts';
import { jsonBody } from './body.ts';
import { type Endpoint, newId } from './call.ts';
import { Fields } from './fields.ts';
import { usageOf } from './generating.ts';
import { countTokens } from './text-inputs.ts';

const known = ['model', 'query', 'documents', 'top_n', 'return_documents'];

export const rerank: Endpoint = async (call) => {
  const body = await jsonBody(call.request, call.limits.bodyBytes);
  const fields = new Fields(body, known);
  const { id, pipeline } = call.models.named(fields, 'text-ranking');
  call.notes.model = id;
  call.notes.prompt = fields.get('query');
  const query = fields.required('query', fields.text('query'));
  const documents = documentsOf(fields);
  const topK = fields.whole('top_n', 1);
  const returns = fields.flag('return_documents') ?? true;
  countTokens(call, pipeline, documents, { param: 'documents', before: query });
  const ranked = await call.queue.run(call.client, call.signal, () =>
    pipeline(query, documents, { ...(topK !== undefined && { topK }), signal: call.signal }),
  );
  return Response.json({
    id: newId('rerank'),
    object: 'list',
    model: id,
    results: ranked.map(({ corpusId, score, text }) => ({
      index: corpusId,
      relevance_score: score,
      ...(returns && { document: { text } }),
    })),
    usage: usageOf(call),
  });
};

/** Texts, or objects that have one. */
function documentsOf(fields: Fields): string[] {
  const given = fields.required('documents', fields.get('documents'));
  const textOf = (one: unknown): unknown => (typeof one === 'string' ? one : fieldOf(one, 'text'));
  if (isListOf(given, (one) => typeof textOf(one) === 'string') && given.length > 0) {
    return given.map((one) => String(textOf(one)));
  }
  throw fields.wrong('documents', 'a list of texts, and not an empty one');
}
