// Calls of tools in every form that models write.
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { createHandler } from 'webgpu-transformer/serve';
import { ToolCallReader } from '../../src/serve/tool-calls.ts';
import { toolMarks } from '../../src/serve/tool-forms.ts';
import { scriptedPipeline } from '../support/scripted-pipeline.ts';

const find = {
  name: 'find',
  parameters: {
    type: 'object',
    properties: {
      who: { type: 'string' },
      years: { type: 'array' },
      exact: { type: ['boolean', 'null'] },
      most: { type: 'integer' },
    },
  },
};
const tools = [{ type: 'function' as const, function: find }];
const messages = [{ role: 'user' as const, content: 'Marie Curie' }];

const marie = { who: 'Marie "M." Curie', years: [1903, 1911], exact: true };
const json = JSON.stringify(marie);
const call = `{"name": "find", "arguments": ${json}}`;
const inPython = `find(who="Marie \\"M.\\" Curie", years=[1_903, 1911,], exact=True)`;
const twice = [marie, {}];

/** What a model writes, the arguments of the calls that are in it, and the text around them. */
const written: Readonly<Record<string, readonly [string, readonly object[], string?]>> = {
  'Hermes, Qwen': [`<tool_call>\n${call}\n</tool_call>`, [marie]],
  'Hermes, twice, with a text': [
    `So: <tool_call>${call}</tool_call>\n<tool_call>{"name":"find"}</tool_call> done`,
    twice,
    'So: done',
  ],
  'Hermes, ended by the token that ends a text': [`<tool_call>${call}`, [marie]],
  'Hermes, with arguments in a string': [
    `<tool_call>{"name":"find","arguments":${JSON.stringify(json)}}</tool_call>`,
    [marie],
  ],
  'Qwen3-Coder, Qwen3.5': [
    '<tool_call>\n<function=find>\n<parameter=who>\nMarie "M." Curie\n</parameter>\n' +
      '<parameter=years>\n[1903, 1911]\n</parameter>\n<parameter=exact>\nTrue\n</parameter>\n</function>\n</tool_call>',
    [marie],
  ],
  'Qwen3-Coder, texts that look like numbers': [
    '<tool_call><function=find><parameter=who>12</parameter><parameter=most>12</parameter>' +
      '<parameter=other>12</parameter><parameter=exact>None</parameter></function></tool_call>',
    [{ who: '12', most: 12, other: '12', exact: null }],
  ],
  'Phi-4-mini': [`<|tool_call|>[${call}, {"name": "find"}]<|/tool_call|>`, twice],
  'Granite 3': [`<|tool_call|>[${call}]`, [marie]],
  LFM2: [`<|tool_call_start|>[${inPython}, find()]<|tool_call_end|>Looking.`, twice, 'Looking.'],
  'LFM2, nested': [
    `<|tool_call_start|>[find(who='a\\u00e9\\n', years=({'b': [-1.5e3, .5]}, None))]<|tool_call_end|>`,
    [{ who: 'aé\n', years: [{ b: [-1500, 0.5] }, null] }],
  ],
  Mistral: [`[TOOL_CALLS][${call}, {"name": "find", "arguments": {}}]`, twice],
  'Mistral, later': [`[TOOL_CALLS]find[ARGS]${json}[TOOL_CALLS]find[CALL_ID]ab12[ARGS]{}`, twice],
  'Mistral, without a mark between': [`[TOOL_CALLS]find${json}`, [marie]],
  'Llama 3': [`{"name": "find", "parameters": ${json}}`, [marie]],
  'Llama 3, several': [`\n${call}; {"name": "find", "parameters": {}}`, twice],
  'Llama 3, marked': [`<|python_tag|>${call}`, [marie]],
};

/** A reading of a text in pieces of some characters. */
function read(text: string, size: number, mayBeBare = true): ReturnType<ToolCallReader['end']> {
  const reader = new ToolCallReader({ tools, marks: new Map(), mayBeBare });
  let shown = '';
  for (let at = 0; at < text.length; at += size) shown += reader.push(text.slice(at, at + size));
  const { text: rest, calls } = reader.end();
  return { text: shown + rest, calls };
}

test.each(Object.entries(written))('%s', (_, [text, wanted, around = '']) => {
  for (const size of [1, 7, 1000]) {
    const { text: rest, calls } = read(text, size);
    expect(calls.map(({ function: called }) => called.name)).toEqual(wanted.map(() => 'find'));
    const given = calls.map(({ function: called }) => JSON.parse(called.arguments) as object);
    expect(given).toEqual(wanted);
    expect(rest).toBe(around);
  }
});

test.each([
  'An answer.',
  '<tool_call>{"name": </tool_call>',
  '<tool_call>{"arguments": {}}</tool_call>',
  '<tool_call>[]</tool_call>',
  `<tool_call>${call}</tool_call></tool_call>`,
  '<tool_call><function=find><parameter=who>a</function></tool_call>',
  '<tool_call><function=find>who</function></tool_call>',
  '[TOOL_CALLS]find[ARGS][1]',
  '<|python_tag|>print(1)',
  '<|tool_call_start|>[find(who=Marie)]<|tool_call_end|>',
  '<|tool_call_start|>[find("Marie")]<|tool_call_end|>',
  '<|tool_call_start|>[find(who="Marie)]<|tool_call_end|>',
  '<|tool_call_start|>[find(who="a" "b")]<|tool_call_end|>',
  `<|tool_call_start|>[find(who=${'['.repeat(5000)})]<|tool_call_end|>`,
  '<|tool_call_start|>[]<|tool_call_end|>',
  '<|tool_call_start|>[find(] find<|tool_call_end|>',
  '{"name": "other", "parameters": {}}',
  '{"answer": 42}',
  '  { is a brace',
  '',
])('%s is a text', (text) => {
  for (const size of [1, 1000]) expect(read(text, size)).toEqual({ text, calls: [] });
});

test('JSON alone is an answer of models that mark their calls', () => {
  expect(read(call, 3, false)).toEqual({ text: call, calls: [] });
  // And shown as it comes.
  const reader = new ToolCallReader({ tools, marks: new Map(), mayBeBare: false });
  expect(reader.push('{"name')).toBe('{"name');
});

test('marks that are special tokens are read, and no others are shown', async () => {
  const text = `Well.<|tool_call_start|>[${inPython}]<|tool_call_end|><|other|>`;
  const specials = [...toolMarks, '<|other|>'];
  const { pipeline } = await scriptedPipeline({ text, maxPositions: 500, specials });
  const client = new OpenAI({
    apiKey: 'none',
    baseURL: 'http://localhost/v1',
    maxRetries: 0,
    fetch: async (input, init) =>
      createHandler({ models: { chat: pipeline } })(new Request(input, init)),
  });
  const asked = { model: 'chat', messages };
  const { choices } = await client.chat.completions.create({ ...asked, tools });
  expect(choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: 'Well.', tool_calls: [{ function: { arguments: json } }] },
  });
  const final = await client.chat.completions.stream({ ...asked, tools }).finalChatCompletion();
  expect(final.choices[0]).toMatchObject({
    message: { content: 'Well.', tool_calls: [{ function: { name: 'find', arguments: json } }] },
  });
  const { choices: plain } = await client.chat.completions.create(asked);
  expect(plain[0]!.message.content).toBe(`Well.[${inPython}]`);
});
