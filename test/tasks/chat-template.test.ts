// Conversations by the checkpoint's template, with the variables that Hugging Face gives templates.
import { expect, test } from 'vitest';
import { Tokenizer } from '../../src/tasks/tokenizer.ts';
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
    '<|begin|><|im_end|>|true|1|deep|false|hi',
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
