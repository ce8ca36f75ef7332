// A handler as OpenAI's client meets it, in Node and in a page: each kind of model once, plain and as a stream.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gpu, pipeline } from 'webgpu-transformer';
import { createHandler, type Handler, type ServedPipeline } from 'webgpu-transformer/serve';
import { clientOf } from '../support/openai.ts';
import { memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

let gpu: Gpu;
let handler: Handler;
const models: Record<string, ServedPipeline> = {};
const messages = [{ role: 'user' as const, content: 'Marie Curie' }];

beforeAll(async () => {
  gpu = await Gpu.request();
  const texts = async (name: string) => memorySource(await taskFiles(name));
  models['chat'] = await pipeline('text-generation', await texts('gpt2'), { gpu });
  models['search'] = await pipeline('embeddings', await texts('bert/features'), { gpu });
  handler = createHandler({ models });
});

afterAll(() => {
  for (const model of Object.values(models)) model.dispose();
  gpu.dispose();
});

test('a chat, whole and as a stream', async () => {
  const chat = models['chat'] as Awaited<ReturnType<typeof pipeline<'text-generation'>>>;
  const [plain] = await chat(messages, {
    maxNewTokens: 6,
    returnFullText: false,
    chat: { addGenerationPrompt: true },
  });
  const client = clientOf(handler);
  const asked = { model: 'chat', messages, max_tokens: 6, temperature: 0 } as const;
  const whole = await client.chat.completions.create(asked);
  const text = plain!.generatedText;
  expect(text).not.toBe('');
  expect(whole.choices).toEqual([
    expect.objectContaining({
      index: 0,
      finish_reason: 'length',
      message: { role: 'assistant', content: text, refusal: null },
    }),
  ]);
  expect(whole.usage!.completion_tokens).toBe(6);

  const stream = await client.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')).toBe(text);
  expect(chunks.length).toBeGreaterThan(3);
  expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('length');
});

test('vectors', async () => {
  const search = models['search'] as Awaited<ReturnType<typeof pipeline<'embeddings'>>>;
  const input = ['Marie Curie', 'The film was good!'];
  const { data } = await search(input);
  // The client asks for base64 by itself.
  const answer = await clientOf(handler).embeddings.create({ model: 'search', input });
  expect(answer.data.flatMap(({ embedding }) => embedding)).toEqual([...data]);
  expect(answer.data.map(({ index }) => index)).toEqual([0, 1]);
  expect(answer.usage.prompt_tokens).toBeGreaterThan(4);
});

test('an error as one of the classes of the client', async () => {
  const client = clientOf(handler);
  await expect(client.chat.completions.create({ model: 'chats', messages })).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
    param: 'model',
  });
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['chat', 'search']);
});

test('what is no Request, and what is no pipeline, is refused', async () => {
  await expect(handler(5 as unknown as Request)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  const refuse = (options: unknown) => () => createHandler(options as never);
  expect(refuse({ models: {} })).toThrow('models has none');
  expect(refuse({ models: { chat: {} } })).toThrow(
    'wanted a name, and what pipeline resolves with',
  );
  expect(refuse({ models, limit: {} })).toThrow('Did you mean "limits"?');
  expect(refuse({ models, limits: { tokens: 0 } })).toThrow('limits.tokens is 0');
});
