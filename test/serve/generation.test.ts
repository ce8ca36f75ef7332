// What a handler makes of the tokens that a model writes.
import { afterAll, expect, test } from 'vitest';
import { type ChatOptions, Gpu, loadModel, pipeline, TransformerError } from 'webgpu-transformer';
import { createHandler, type Handler } from 'webgpu-transformer/serve';
import { clientOf, post } from '../support/openai.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';
import { memorySource } from '../support/source.ts';
import { taskFiles } from '../support/tasks.ts';

const said = 'Marie Curie was born in Warsaw.';
const { pipeline: scripted, asked, tokenizer } = await scriptedPipeline({ text: said });
const handler = createHandler({ models: { chat: scripted } });
const client = clientOf(handler);
const messages = [{ role: 'user' as const, content: 'Who?' }];
const prompt = 'Who?';

const gpu = await Gpu.request();
afterAll(() => gpu.dispose());

interface Event {
  readonly choices: { index: number; text: string; finish_reason: string | null }[];
  readonly error?: { code: string };
}

/** The events of a stream, which ends with [DONE] unless it failed. */
async function events(from: Handler, path: string, body: object): Promise<Event[]> {
  const response = await post(from, path, { ...body, stream: true });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const lines = (await response.text()).split('\n\n');
  expect(lines.pop()).toBe('');
  const found = lines.map((line) => line.replace(/^data: /, ''));
  if (!found.at(-1)!.startsWith('{"error"')) expect(found.pop()).toBe('[DONE]');
  return found.map((line) => JSON.parse(line) as Event);
}

test('a text that ends by itself, and one that is cut off', async () => {
  const whole = await client.completions.create({ model: 'chat', prompt, max_tokens: 80 });
  expect(whole.choices[0]).toMatchObject({ text: said, finish_reason: 'stop', logprobs: null });
  const { completion_tokens: all, prompt_tokens: read, total_tokens: sum } = whole.usage!;
  // The token that ends it is one of them.
  expect(all).toBe(tokenizer.encode(said, undefined, { addSpecialTokens: false }).length + 1);
  expect(sum).toBe(all + read);
  const few = await client.completions.create({ model: 'chat', prompt, max_tokens: 3 });
  expect(few.choices[0]!.finish_reason).toBe('length');
  expect(said.startsWith(few.choices[0]!.text)).toBe(true);
  const long = await scriptedPipeline({ text: said.repeat(3) });
  const other = clientOf(createHandler({ models: { chat: long.pipeline } }));
  const usual = await other.completions.create({ model: 'chat', prompt });
  expect(usual.usage!.completion_tokens).toBe(16);
});

test('stop strings end a text before them, wherever tokens part it', async () => {
  for (const stop of [' in', 'born in W', ['xyz', 'e was'], ['.'], ['Warsaw', 'ie Cu']]) {
    const ends = [stop].flat().map((one) => said.indexOf(one));
    const wanted = said.slice(0, Math.min(...ends.filter((at) => at >= 0)));
    const asking = { model: 'chat', prompt, max_tokens: 80, stop };
    const [choice] = (await client.completions.create(asking)).choices;
    expect(choice).toMatchObject({ text: wanted, finish_reason: 'stop' });
    const pieces = (await events(handler, '/v1/completions', asking)).flatMap(
      ({ choices }) => choices,
    );
    expect(pieces.map(({ text }) => text).join('')).toBe(wanted);
    expect(pieces.at(-1)!.finish_reason).toBe('stop');
  }
  // What only began to be one comes at the end.
  const begun = await events(handler, '/v1/completions', {
    model: 'chat',
    prompt,
    max_tokens: 80,
    stop: 'Warsaw.!',
  });
  expect(begun.flatMap(({ choices }) => choices.map(({ text }) => text)).join('')).toBe(said);
});

test('several choices and prompts come by their numbers, with seeds of their own', async () => {
  asked.length = 0;
  const body = { model: 'chat', prompt: ['Who?', 'Where?'], n: 2, seed: 5, max_tokens: 80 };
  const { choices, usage } = await client.completions.create(body);
  expect(choices.map(({ index, text }) => [index, text])).toEqual(
    [0, 1, 2, 3].map((i) => [i, said]),
  );
  expect(asked.map(({ options }) => options.seed)).toEqual([5, 6, 7, 8]);
  const [who, , where] = asked.map(({ inputIds }) => inputIds);
  expect(usage!.prompt_tokens).toBe(who!.length + where!.length);
  const streamed = await events(handler, '/v1/completions', body);
  for (const index of [0, 1, 2, 3]) {
    const own = streamed.flatMap((event) => event.choices.filter((one) => one.index === index));
    expect(own.map(({ text }) => text).join('')).toBe(said);
    expect(own.filter((one) => one.finish_reason !== null)).toHaveLength(1);
  }
});

test('fields become options of generate', async () => {
  const optionsOf = async (fields: object) => {
    asked.length = 0;
    const { status } = await post(handler, '/v1/completions', { model: 'chat', prompt, ...fields });
    expect(status).toBe(200);
    const { signal: _, stopStrings: __, maxNewTokens: ___, ...options } = asked[0]!.options;
    return options;
  };
  const plain = { numBeams: 1, numReturnSequences: 1 };
  expect(await optionsOf({})).toEqual(plain);
  expect(await optionsOf({ temperature: null, stop: null, user: 'me' })).toEqual(plain);
  expect(await optionsOf({ temperature: 0, top_p: 0.5 })).toEqual({ ...plain, doSample: false });
  expect(await optionsOf({ temperature: 0.7, top_p: 0.9, min_p: 0.1 })).toEqual({
    ...plain,
    doSample: true,
    temperature: 0.7,
    topP: 0.9,
    minP: 0.1,
    topK: 0,
  });
  expect(await optionsOf({ top_k: 7 })).toEqual({ ...plain, doSample: true, topK: 7 });
  const penalties = { presence_penalty: 1, frequency_penalty: -1, repetition_penalty: 1.2 };
  expect(await optionsOf(penalties)).toEqual({
    ...plain,
    presencePenalty: 1,
    frequencyPenalty: -1,
    repetitionPenalty: 1.2,
  });
  expect(await optionsOf({ logit_bias: { 5: -100 } })).toEqual({
    ...plain,
    sequenceBias: [[[5], -100]],
  });
});

test('tools reach the template, and calls of them come back', async () => {
  const call = '<tool_call>\n{"name": "find", "arguments": {"who": "Marie"}}\n</tool_call>';
  const tools = [{ type: 'function' as const, function: { name: 'find', parameters: {} } }];
  const model = await scriptedPipeline({ text: `So: ${call}`, maxPositions: 500 });
  let rendered: ChatOptions | undefined;
  const apply = model.tokenizer.applyChatTemplate.bind(model.tokenizer);
  model.tokenizer.applyChatTemplate = async (chat, options) => {
    rendered = options;
    return apply(chat, options);
  };
  const caller = clientOf(createHandler({ models: { chat: model.pipeline } }));
  const { choices } = await caller.chat.completions.create({ model: 'chat', messages, tools });
  const wanted = [
    {
      id: expect.stringMatching(/^call-/) as string,
      type: 'function',
      function: { name: 'find', arguments: '{"who":"Marie"}' },
    },
  ];
  expect(choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: 'So: ', tool_calls: wanted },
  });
  expect(rendered?.tools).toEqual(tools);

  const runner = caller.chat.completions.stream({ model: 'chat', messages, tools });
  const final = await runner.finalChatCompletion();
  expect(final.choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: 'So: ', tool_calls: [{ function: { name: 'find' } }] },
  });

  // Without tools it is a text, and what is no call stays one.
  const none = { model: 'chat', messages, tools, tool_choice: 'none' as const };
  const plain = await caller.chat.completions.create(none);
  expect(plain.choices[0]!.message).toMatchObject({ content: `So: ${call}` });
  expect(rendered?.tools).toBe(undefined);
  const broken = await scriptedPipeline({ text: '<tool_call>{"name": ', maxPositions: 500 });
  const other = clientOf(createHandler({ models: { chat: broken.pipeline } }));
  const text = await other.chat.completions.create({ model: 'chat', messages, tools });
  expect(text.choices[0]!.message).toMatchObject({ content: '<tool_call>{"name": ' });

  // The answer of a tool goes back as it came, its arguments as templates read them.
  await caller.chat.completions.create({
    model: 'chat',
    messages: [
      ...messages,
      {
        role: 'assistant',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'find', arguments: '{"who":"Marie"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'Warsaw' },
    ],
  });
});

test('log-probabilities are those of the model', async () => {
  const files = memorySource(await taskFiles('gpt2'));
  using chat = await pipeline('text-generation', files, { gpu });
  const served = clientOf(createHandler({ models: { chat } }));
  const asking = { model: 'chat', prompt: 'Marie Curie', max_tokens: 20, temperature: 0 };
  const { choices } = await served.completions.create({ ...asking, logprobs: 2 });
  const { tokens, token_logprobs: own, top_logprobs: top, text_offset: at } = choices[0]!.logprobs!;
  const before = chat.tokenizer.encode('Marie Curie');
  const { sequences } = await chat.model.generate({ inputIds: [before] }, { maxNewTokens: 20 });
  const ids = sequences[0]!.slice(before.length);
  const { logits } = await chat.model.forward({ inputIds: [sequences[0]!] });
  const width = logits!.shape[2]!;
  expect(tokens).toHaveLength(ids.length);
  for (const [index, id] of ids.entries()) {
    const first = (before.length + index - 1) * width;
    const row = Float64Array.from(logits!.data.subarray(first, first + width));
    const norm = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    expect(own![index]).toBeCloseTo(row[id]! - norm, 4);
    // Greedy: the token is the likeliest.
    const best = Object.values(top![index]!).toSorted((a, b) => b - a);
    const nearest = row.toSorted((a, b) => b - a);
    expect(best[0]).toBe(own![index]);
    // Two tokens may be parts of characters, which read alike.
    expect([1, 2]).toContain(best.length);
    for (const [place, logProb] of best.entries()) {
      if (best.length === 2) expect(logProb).toBeCloseTo(nearest[place]! - norm, 4);
    }
  }
  expect(at!.slice(0, 2)).toEqual([0, tokens![0]!.length]);

  const asChat = { ...asking, prompt: undefined, messages, logprobs: true, top_logprobs: 3 };
  const whole = await served.chat.completions.create(asChat);
  const stream = await served.chat.completions.create({ ...asChat, stream: true });
  const pieces = [];
  for await (const { choices: parts } of stream) pieces.push(parts[0]?.logprobs?.content ?? []);
  const streamed = pieces.flat();
  expect(streamed).toEqual(whole.choices[0]!.logprobs!.content);
  // They come with the tokens, not behind the end.
  expect(pieces.filter(({ length }) => length > 0).length).toBeGreaterThan(5);
  expect(streamed[0]!.top_logprobs).toHaveLength(3);
});

test('an encoder-decoder completes what it reads', async () => {
  using translator = await pipeline('text2text-generation', 'models/phrases', { gpu });
  const served = clientOf(createHandler({ models: { phrases: translator } }));
  const asking = { model: 'phrases', prompt: '>>de<<in 3 days', max_tokens: 30 };
  const { choices } = await served.completions.create({ ...asking, logprobs: 1 });
  expect(choices[0]).toMatchObject({ text: 'in 3 Tagen', finish_reason: 'stop' });
  for (const logProb of choices[0]!.logprobs!.token_logprobs!)
    expect(logProb).toBeGreaterThan(-0.5);
  const chat = served.chat.completions.create({ model: 'phrases', messages });
  await expect(chat).rejects.toMatchObject({ code: 'model_not_supported' });
});

test('a lost device fails what runs, and what waits goes on with the model loaded again', async () => {
  using recovering = await Gpu.request({ recover: true });
  using model = await loadModel('models/phrases', { gpu: recovering });
  const translator = await pipeline('text2text-generation', 'models/phrases', { model });
  const served = createHandler({ models: { phrases: translator } });
  const body = { model: 'phrases', prompt: '>>de<<in 3 days', max_tokens: 30 };
  const running = await post(served, '/v1/completions', { ...body, stream: true });
  const waiting = post(served, '/v1/completions', body);
  recovering.device.destroy();
  const lines = (await running.text()).trimEnd().split('\n\n');
  expect(lines.at(-1)).toContain('"code":"device_lost"');
  expect(await (await waiting).json()).toMatchObject({ choices: [{ text: 'in 3 Tagen' }] });

  const lost = await scriptedPipeline({
    text: said,
    step: () => Promise.reject(new TransformerError('DEVICE_LOST', 'The device is lost.')),
  });
  const response = await post(
    createHandler({ models: { chat: lost.pipeline } }),
    '/v1/completions',
    { model: 'chat', prompt },
  );
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({
    error: { code: 'device_lost', type: 'server_error' },
  });
});
