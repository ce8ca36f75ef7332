// What a handler refuses, and how: statuses and errors as OpenAI's clients read them.
import { expect, test } from 'vitest';
import { AuthenticationError, BadRequestError, NotFoundError } from 'openai';
import { createHandler, type LogEntry } from 'webgpu-transformer/serve';
import { clientOf, post } from '../support/openai.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';

const { pipeline } = await scriptedPipeline({ text: 'Marie Curie was born in Warsaw.' });
const handler = createHandler({ models: { chat: pipeline }, limits: { bodyBytes: 20_000 } });
const messages = [{ role: 'user', content: 'Who?' }];
const chat = '/v1/chat/completions';
const completion = '/v1/completions';

interface Refusal {
  readonly error: { message: string; type: string; param: string | null; code: string | null };
}

async function refusal(
  response: Promise<Response>,
): Promise<Refusal['error'] & { status: number }> {
  const answer = await response;
  const { error } = (await answer.json()) as Refusal;
  expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  return { ...error, status: answer.status };
}

/** Bodies, and the field that is wrong in each of them. */
const wrong: readonly (readonly [body: object, param: string])[] = [
  [{}, 'model'],
  [{ model: 5 }, 'model'],
  [{ model: 'chat' }, 'messages'],
  [{ model: 'chat', messages: [] }, 'messages'],
  [{ model: 'chat', messages: 'Who?' }, 'messages'],
  [{ model: 'chat', messages: ['Who?'] }, 'messages'],
  [{ model: 'chat', messages: [{}] }, 'messages[0].role'],
  [{ model: 'chat', messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
  [{ model: 'chat', messages: [{ role: 'user' }] }, 'messages[0].content'],
  [{ model: 'chat', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
  [
    {
      model: 'chat',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }],
    },
    'messages[0].content[0]',
  ],
  [
    {
      model: 'chat',
      messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{' } }] }],
    },
    'messages[0].tool_calls[0].function.arguments',
  ],
  [{ model: 'chat', messages, temprature: 1 }, 'temprature'],
  [{ model: 'chat', messages, temperature: 'NaN' }, 'temperature'],
  [{ model: 'chat', messages, temperature: -1 }, 'temperature'],
  [{ model: 'chat', messages, temperature: 2.5 }, 'temperature'],
  [{ model: 'chat', messages, top_p: 1.5 }, 'top_p'],
  [{ model: 'chat', messages, presence_penalty: 3 }, 'presence_penalty'],
  [{ model: 'chat', messages, n: 0 }, 'n'],
  [{ model: 'chat', messages, n: 1e9 }, 'n'],
  [{ model: 'chat', messages, n: 17 }, 'n'],
  [{ model: 'chat', messages, n: 1.5 }, 'n'],
  [{ model: 'chat', messages, seed: -1 }, 'seed'],
  [{ model: 'chat', messages, stop: ['a', ''] }, 'stop'],
  [{ model: 'chat', messages, stop: [5] }, 'stop'],
  [{ model: 'chat', messages, max_tokens: 0 }, 'max_tokens'],
  [{ model: 'chat', messages, max_tokens: 5000 }, 'max_tokens'],
  [{ model: 'chat', messages, max_completion_tokens: '5' }, 'max_completion_tokens'],
  [{ model: 'chat', messages, stream: 'yes' }, 'stream'],
  [{ model: 'chat', messages, stream_options: { include_usage: true } }, 'stream_options'],
  [{ model: 'chat', messages, top_logprobs: 3 }, 'top_logprobs'],
  [{ model: 'chat', messages, logprobs: true, top_logprobs: 30 }, 'top_logprobs'],
  [{ model: 'chat', messages, logit_bias: { a: 1 } }, 'logit_bias'],
  [{ model: 'chat', messages, response_format: { type: 'json_object' } }, 'response_format'],
  [{ model: 'chat', messages, tools: [{ type: 'function' }] }, 'tools[0]'],
  [{ model: 'chat', messages, tool_choice: 'required' }, 'tool_choice'],
  [{ model: 'chat', messages, store: true }, 'store'],
  [{ model: 'chat', messages, modalities: ['audio'] }, 'modalities'],
];

test.each(wrong)('%j is refused by the name of its field', async (body, param) => {
  const error = await refusal(post(handler, chat, body));
  expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param });
  expect(error.message).not.toBe('');
});

test('a text without a prompt, and what completions cannot do', async () => {
  for (const [body, param] of [
    [{ model: 'chat' }, 'prompt'],
    [{ model: 'chat', prompt: [] }, 'prompt'],
    [{ model: 'chat', prompt: [[1], ['a']] }, 'prompt'],
    [{ model: 'chat', prompt: 'a', best_of: 3 }, 'best_of'],
    [{ model: 'chat', prompt: 'a', echo: true }, 'echo'],
    [{ model: 'chat', prompt: 'a', suffix: 'b' }, 'suffix'],
    [{ model: 'chat', prompt: Array(17).fill('a') }, 'n'],
  ] as const) {
    expect(await refusal(post(handler, completion, body))).toMatchObject({ status: 400, param });
  }
});

test('a prompt that is too long', async () => {
  const long = [{ role: 'user', content: 'Who was it? '.repeat(50) }];
  for (const body of [
    { model: 'chat', messages: long },
    { model: 'chat', messages, max_tokens: 95 },
  ]) {
    expect(await refusal(post(handler, chat, body))).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
  }
  const tokens = { model: 'chat', prompt: Array(200).fill(5) };
  expect(await refusal(post(handler, completion, tokens))).toMatchObject({
    code: 'context_length_exceeded',
    param: 'prompt',
  });
});

test('bodies that are none', async () => {
  for (const body of ['', '{', '[]', '5', 'null', '"model"', '{"temperature": NaN}']) {
    const { status, type } = await refusal(post(handler, chat, body));
    expect({ body, status, type }).toEqual({ body, status: 400, type: 'invalid_request_error' });
  }
  const infinite = `{"model":"chat","messages":[{"role":"user","content":"a"}],"temperature":1e999}`;
  expect(await refusal(post(handler, chat, infinite))).toMatchObject({ param: 'temperature' });
  const huge = JSON.stringify({ model: 'chat', prompt: 'a'.repeat(30_000) });
  expect(await refusal(post(handler, completion, huge))).toMatchObject({ status: 413 });
  const streamed = new Request(`http://localhost${chat}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new Blob([huge]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(await refusal(handler(streamed))).toMatchObject({ status: 413, code: 'body_too_large' });
  const plain = new Request(`http://localhost${chat}`, { method: 'POST', body: '{}' });
  expect(await refusal(handler(plain))).toMatchObject({ status: 415 });
});

test('paths and methods', async () => {
  const at = (path: string, method = 'GET') =>
    refusal(handler(new Request(`http://localhost${path}`, { method })));
  expect(await at('/v1/chat')).toMatchObject({ status: 404, code: 'not_found' });
  expect(await at('/')).toMatchObject({ status: 404 });
  expect(await at('/constructor')).toMatchObject({ status: 404 });
  expect(await at(chat)).toMatchObject({ status: 405 });
  expect(await at('/v1/models', 'DELETE')).toMatchObject({ status: 405 });
  expect(await at('/v1/models/%E0%A4')).toMatchObject({ status: 404, code: 'model_not_found' });
  expect(await at('/v1/models/__proto__')).toMatchObject({ status: 404 });
  const below = createHandler({ models: { chat: pipeline }, basePath: '/api' });
  const listed = await below(new Request('http://localhost/api/v1/models'));
  expect(listed.status).toBe(200);
  expect((await below(new Request('http://localhost/v1/models'))).status).toBe(404);
});

test("OpenAI's client throws its own classes", async () => {
  const client = clientOf(handler);
  const create = (model: string, temperature: number) =>
    client.completions.create({ model, prompt: 'a', temperature });
  await expect(create('chatt', 1)).rejects.toBeInstanceOf(NotFoundError);
  await expect(create('chat', 9)).rejects.toBeInstanceOf(BadRequestError);
  await expect(client.models.retrieve('chat')).resolves.toMatchObject({ id: 'chat' });
  const found = client.embeddings.create({ model: 'chat', input: 'a' });
  await expect(found).rejects.toMatchObject({ status: 400, code: 'model_not_supported' });
});

test('keys', async () => {
  const closed = createHandler({ models: { chat: pipeline }, apiKeys: ['first', 'second'] });
  const ask = (key: string) => clientOf(closed, key).models.list();
  await expect(ask('first')).resolves.toBeDefined();
  await expect(ask('second')).resolves.toBeDefined();
  for (const key of ['third', 'firs', 'firstt', 'first,second']) {
    await expect(ask(key)).rejects.toBeInstanceOf(AuthenticationError);
  }
  const none = await closed(new Request('http://localhost/v1/models'));
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect((await closed(new Request('http://localhost/metrics'))).status).toBe(401);
  expect((await closed(new Request('http://localhost/healthz'))).status).toBe(200);
  for (const apiKeys of ['first', [''], ['a b'], [5]]) {
    expect(() =>
      createHandler({ models: { chat: pipeline }, apiKeys: apiKeys as string[] }),
    ).toThrow('apiKeys');
  }
});

test('pages of other origins', async () => {
  const open = createHandler({ models: { chat: pipeline }, cors: ['https://example.org'] });
  const ask = (origin: string, method: string) =>
    open(
      new Request('http://localhost/v1/models', {
        method,
        headers: { origin, 'access-control-request-headers': 'authorization' },
      }),
    );
  const allowed = await ask('https://example.org', 'OPTIONS');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://example.org');
  expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization');
  const answered = await ask('https://example.org', 'GET');
  expect(answered.headers.get('access-control-allow-origin')).toBe('https://example.org');
  for (const method of ['OPTIONS', 'GET']) {
    const other = await ask('https://example.com', method);
    expect(other.headers.get('access-control-allow-origin')).toBe(null);
  }
});

test('the log has no prompts unless it is asked to; metrics count', async () => {
  const entries: LogEntry[] = [];
  const log = (entry: LogEntry) => entries.push(entry);
  const quiet = createHandler({ models: { chat: pipeline }, log });
  const client = clientOf(quiet);
  await client.completions.create({ model: 'chat', prompt: 'Who?', max_tokens: 3 });
  await client.completions.create({ model: 'none', prompt: 'Secret?' }).catch(() => undefined);
  expect(entries).toMatchObject([
    { method: 'POST', path: completion, status: 200, model: 'chat', completionTokens: 3 },
    { status: 404, error: 'model_not_found' },
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/Who|Secret/);
  const open = createHandler({ models: { chat: pipeline }, log, logPrompts: true });
  await clientOf(open).completions.create({ model: 'chat', prompt: 'Who?', max_tokens: 3 });
  expect(entries.at(-1)).toMatchObject({ prompt: 'Who?' });

  const text = await (await quiet(new Request('http://localhost/metrics'))).text();
  expect(text).toContain(
    'webgpu_transformer_requests_total{endpoint="/v1/completions",status="200"} 1',
  );
  expect(text).toContain('webgpu_transformer_completion_tokens_total{model="chat"} 3');
  expect(text).toContain('webgpu_transformer_time_to_first_token_seconds_count{model="chat"} 1');
  expect(text).toContain('webgpu_transformer_requests_waiting 0');
  expect(text.includes('process_resident_memory_bytes')).toBe('process' in globalThis);
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/);
  }
});
