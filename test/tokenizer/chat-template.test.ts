// Conversations by the checkpoint's template, with the variables that Hugging Face gives templates.
import { expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { loadTokenizer, tokenizerFiles } from '../support/tokenizer.ts';

const messages = [
  { role: 'user', content: 'Where is the cat?' },
  { role: 'assistant', content: 'the house' },
];

function withTemplate(chat_template: unknown): Promise<Tokenizer> {
  return loadTokenizer('chat', { chat_template });
}

test('turns are written as the template says, and encoded without further special tokens', async () => {
  const tokenizer = await loadTokenizer('chat');
  const text = await tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true });
  expect(text).toBe(
    '<|im_start|>user\nWhere is the cat?<|im_end|>\n' +
      '<|im_start|>assistant\nthe house<|im_end|>\n<|im_start|>assistant\n',
  );
  const ids = await tokenizer.encodeChat(messages);
  const [start, end] = [341, 342];
  expect(ids[0]).toBe(start);
  expect(ids.filter((id) => id === start || id === end)).toEqual([start, end, start, end]);
  expect(ids).not.toContain(tokenizer.bosToken);
});

test('special tokens, tools, documents and further variables reach the template', async () => {
  const tokenizer = await withTemplate(
    '{{ bos_token }}{{ eos_token }}|{{ tools is none }}|{{ documents | length if documents }}|' +
      "{{ mode }}|{{ mask_token is defined }}|{{ messages[0]['content'][0]['text'] }}",
  );
  const content = [{ type: 'text', text: 'hi' }];
  const options = { documents: [{ title: 'a' }], variables: { mode: 'deep' } };
  expect(await tokenizer.applyChatTemplate([{ role: 'user', content }], options)).toBe(
    '<|begin|><|im_end|>|True|1|deep|False|hi',
  );
});

test('tools are written as JSON the way Python does', async () => {
  const tokenizer = await withTemplate('{% for tool in tools %}{{ tool | tojson }}{% endfor %}');
  const tools = [{ name: 'f', list: [1, true, null], text: 'é <a>' }];
  expect(await tokenizer.applyChatTemplate(messages, { tools })).toBe(
    '{"name": "f", "list": [1, true, null], "text": "é <a>"}',
  );
});

test('blocks take their own line, and strftime_now gives the date', async () => {
  const tokenizer = await withTemplate(
    "{% if true %}\n  {% if true %}\nx\n  {% endif %}\n{% endif %}\n{{ strftime_now('%Y') }}",
  );
  expect(await tokenizer.applyChatTemplate(messages)).toBe(`x\n${new Date().getFullYear()}`);
});

test('a template refuses a conversation by raise_exception', async () => {
  const tokenizer = await withTemplate("{{ raise_exception('roles must alternate') }}");
  await expectRejection(
    tokenizer.applyChatTemplate(messages),
    'INPUT_INVALID',
    'roles must alternate',
  );
});

test('named templates: by name, by tools, else the default', async () => {
  const tokenizer = await withTemplate([
    { name: 'default', template: 'plain' },
    { name: 'tool_use', template: 'tools {{ tools | length }}' },
  ]);
  expect(await tokenizer.applyChatTemplate(messages)).toBe('plain');
  expect(await tokenizer.applyChatTemplate(messages, { tools: [{ name: 'f' }] })).toBe('tools 1');
  expect(await tokenizer.applyChatTemplate(messages, { template: 'tool_use', tools: [] })).toBe(
    'tools 0',
  );
  await expectRejection(
    tokenizer.applyChatTemplate(messages, { template: 'tool_uses' }),
    'OPTION_INVALID',
    'tool_use',
  );
});

test('chat_template.jinja comes before the configuration', async () => {
  const files = await tokenizerFiles('chat');
  files['chat_template.jinja'] = new TextEncoder().encode('{{ messages | length }} turns');
  const tokenizer = await Tokenizer.load(memorySource(files), undefined);
  expect(await tokenizer.applyChatTemplate(messages)).toBe('2 turns');
});

test('templates of the folder come first, by name or for tools; one alone in chat_template.json', async () => {
  const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
  const files = {
    ...(await tokenizerFiles('chat')),
    'chat_template.jinja': text('D:{{ messages[0].content }}'),
    'additional_chat_templates/tool_use.jinja': text('T:{{ tools | length }}'),
    'additional_chat_templates/rag.jinja': text('R:{{ messages | length }}'),
  };
  const tokenizer = await Tokenizer.load(memorySource(files), undefined);
  expect(await tokenizer.applyChatTemplate(messages)).toBe('D:Where is the cat?');
  expect(await tokenizer.applyChatTemplate(messages, { tools: [{ name: 'f' }] })).toBe('T:1');
  expect(await tokenizer.applyChatTemplate(messages, { template: 'rag' })).toBe('R:2');
  const alone = {
    ...(await tokenizerFiles('llama')),
    'chat_template.json': text('{"chat_template":"J:{{ messages | length }}"}'),
  };
  const other = await Tokenizer.load(memorySource(alone), undefined);
  expect(await other.applyChatTemplate(messages)).toBe('J:2');
});

// What jinja2 3.1.6 writes, set up as transformers 5.24 does.
const four = [
  { role: 'system', content: 'Be brief.' },
  ...messages,
  { role: 'user', content: 'b\ufeff' },
];
test.each([
  [
    'ends of lines',
    '{% for m in messages %}\r\n{{ m.role }}\r\n{% endfor %}\rx\r\n',
    'system\nuser\nassistant\nuser\nx',
  ],
  [
    'break',
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'user' %}!{% break %}{% endif %}.{% endfor %}",
    '<system>.<user>!',
  ],
  [
    'continue',
    "{% for m in messages %}<{{ loop.index }}>{% if m.role == 'user' %}!{% continue %}{% endif %}.{% endfor %}",
    '<1>.<2>!<3>.<4>!',
  ],
  [
    'loops in loops',
    '{% for m in messages %}{% for c in [1, 2, 3] %}{% if c == 2 %}{% continue %}{% endif %}{{ c }}{% endfor %}{% if loop.index == 2 %}{% break %}{% endif %},{% endfor %}',
    '13,13',
  ],
  ['else', '{% for i in [1] %}{% continue %}{% else %}none{% endfor %}', 'none'],
  [
    'variables of a turn',
    "{% for m in messages %}{% if loop.first %}{% set x = 'a' %}{% endif %}[{{ x }}]{% endfor %}{{ x is defined }}",
    '[a][][][]False',
  ],
  [
    'namespaces',
    '{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}',
    '4',
  ],
  [
    'values',
    "{{ true }}|{{ none }}|{{ 2.0 }}|{{ [1, 'a', none] }}|{{ {'a': true} }}|{{ nothing }}|{{ 'a' ~ 1 ~ true }}",
    "True|None|2.0|[1, 'a', None]|{'a': True}||a1True",
  ],
  [
    'methods of texts',
    "{{ ' \\n a \\n'.strip('\\n') }}|{{ '--a'.lstrip('-') }}|{{ 'a--'.rstrip('-') }}|{{ ', '.join(['a', 'b']) }}",
    ' \n a |a|a|a, b',
  ],
  ['spaces', "{{ messages[3].content | trim }}|{{ '\u0085 x\u001c' | trim }}", 'b\ufeff|x'],
  ['characters', "{{ 'é😀a' | length }}{{ 'é😀a'[1] }}{{ 'é😀a'[-1] }}", '3😀a'],
  [
    'equality',
    "{{ [1] == [1] }}{{ {'a': 1} == {'a': 1} }}{{ none == false }}{{ 'a' < 'b' }}",
    'TrueTrueFalseTrue',
  ],
  [
    'macros',
    '{% macro f(a, b=2) %}{{ a }}{{ b }}{{ true }}{% endmacro %}{{ f(1) }}{% set x %}{{ none }}{% endset %}{{ x }}',
    '12TrueNone',
  ],
  [
    'generation',
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}{% endfor %}",
    'the house',
  ],
])('%s as in Python', async (_, template, wanted) => {
  const tokenizer = await withTemplate(template);
  expect(await tokenizer.applyChatTemplate(four)).toBe(wanted);
});

test('parts of a content where a template wants a text: refused, or as Python prints them', async () => {
  const parts = [{ role: 'user', content: [{ type: 'text', text: "it's" }] }];
  const joined = await withTemplate("{{ '<' + messages[0].content + '>' }}");
  await expectRejection(joined.applyChatTemplate(parts), 'INPUT_INVALID', 'list', 'parts');
  const printed = await withTemplate('{{ messages[0].content }}');
  expect(await printed.applyChatTemplate(parts)).toBe(`[{'type': 'text', 'text': "it's"}]`);
});

test('keys without a value are not there, and reasoning has its usual name', async () => {
  const tokenizer = await withTemplate(
    "{% for m in messages %}{{ 'content' in m }}{{ m.reasoning_content }};{% endfor %}",
  );
  const chat = [
    { role: 'user', content: null },
    { role: 'assistant', content: 'a', reasoning: 'so' },
  ];
  expect(await tokenizer.applyChatTemplate(chat)).toBe('False;Trueso;');
});

test('a text that ends where the last message does', async () => {
  const chat = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'so far ' },
  ];
  const options = { continueFinalMessage: true };
  const whole = await loadTokenizer('chat');
  const start = '<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nso far';
  expect(await whole.applyChatTemplate(chat, options)).toBe(`${start} `);
  const trimmed = await withTemplate('{% for m in messages %}[{{ m.content | trim }}]{% endfor %}');
  expect(await trimmed.applyChatTemplate(chat, options)).toBe('[q][so far');
  const silent = await withTemplate('{{ messages[0].content }}');
  await expectRejection(silent.applyChatTemplate(chat, options), 'INPUT_INVALID', 'last message');
  const both = { ...options, addGenerationPrompt: true };
  await expectRejection(whole.applyChatTemplate(chat, both), 'OPTION_INVALID', 'exclude');
  await expectRejection(whole.applyChatTemplate([]), 'INPUT_INVALID', 'empty');
});

test('no template, no role and unknown options are refused', async () => {
  const plain = await loadTokenizer('llama');
  await expectRejection(plain.applyChatTemplate(messages), 'FILE_NOT_FOUND', 'chat_template');
  const tokenizer = await loadTokenizer('chat');
  const wrong = { addGenerationPromt: true } as object;
  await expectRejection(
    tokenizer.applyChatTemplate(messages, wrong),
    'OPTION_UNKNOWN',
    'addGenerationPrompt',
  );
  const roleless = [...messages, { content: 'x' }] as typeof messages;
  await expectRejection(tokenizer.applyChatTemplate(roleless), 'INPUT_INVALID', 'Message 2');
});
