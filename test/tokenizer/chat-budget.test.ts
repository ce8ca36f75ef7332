// Chat templates that would loop, grow or call themselves without end: an error that names the file,
// after a bounded number of steps.
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { ChatMessage, ChatOptions } from '../../src/tokenizer/chat-template.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { tokenizerFiles } from '../support/tokenizer.ts';

async function render(
  template: string,
  messages: readonly ChatMessage[] = [{ role: 'user', content: ' hi ' }],
  options: ChatOptions = {},
): Promise<string> {
  const files = await tokenizerFiles('chat');
  files['chat_template.jinja'] = new TextEncoder().encode(template);
  const tokenizer = await Tokenizer.load(memorySource(files), undefined);
  return tokenizer.applyChatTemplate(messages, options);
}

const grow = (step: string, before = 's="xxxxxxxx", l=[1], d=1'): string =>
  `{% set ns = namespace(${before}) %}{% for i in range(100) %}{% set ${step} %}{% endfor %}`;
const nested = 'ns.l = [ns.l, ns.l]';

describe('is stopped', () => {
  test.each([
    ['a range', '{% for i in range(1000000000) %}x{% endfor %}', 'range of more than 100000'],
    ['a range without a step', '{% for i in range(0, 9, 0) %}x{% endfor %}', 'range'],
    [
      'loops in loops',
      `${'{% for i in range(99999) %}'.repeat(2)}x${'{% endfor %}'.repeat(2)}`,
      'steps',
    ],
    ['a text that doubles', grow('ns.s = ns.s + ns.s'), 'characters'],
    ['a text that is joined', grow('ns.s = ns.s ~ ns.s'), 'steps'],
    ['replacements', grow('ns.s = ns.s.replace("x", ns.s)'), 'steps'],
    ['replacements from a list', grow('ns.s = ns.s.replace(*["x", ns.s])'), 'steps'],
    ['joins', grow('ns.s = [ns.s, ns.s]|join(ns.s)'), 'steps'],
    ['the method join', grow('ns.s = ns.s.join([ns.s, ns.s])'), 'steps'],
    ['a list that doubles', grow('ns.l = ns.l + ns.l'), 'steps'],
    ['lists that share, printed', `${grow(nested)}{{ ns.l }}`, 'steps'],
    ['lists that share, as JSON', `${grow(nested)}{{ ns.l|tojson }}`, 'steps'],
    ['lists that share, compared', `${grow(nested)}{{ ns.l == [ns.l] }}`, 'steps'],
    [
      'a value within itself',
      '{% set ns = namespace(d=1) %}{% set ns.d = ns %}{{ ns|tojson }}',
      'steps',
    ],
    ['lists that share, in a call', `${grow(nested)}{{ raise_exception(ns.l) }}`, 'steps'],
    ['an indentation', '{{ [[1]]|tojson(indent=1000000000) }}', 'steps'],
    ['a macro within itself', '{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}', 'levels'],
    ['parentheses', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, 'fails'],
    ['spaces', `{{ 1 }}${' '.repeat(200_000)}x`, 'spaces in a row'],
    ['a long template', 'x y '.repeat(70_000), 'characters'],
  ])('%s', async (_, template, part) => {
    await expectRejection(render(template), 'LIMIT_EXCEEDED', part, 'chat_template.jinja');
  });
});

test('what a short conversation may take is a fraction of a second of steps', async () => {
  const endless = `${'{% for i in range(400) %}'.repeat(4)}x${'{% endfor %}'.repeat(4)}`;
  const error: unknown = await render(endless).catch((reason: unknown) => reason);
  const [, count] = /takes more than (\d+) steps/.exec(String(error)) ?? [];
  expect(Number(count)).toBeLessThan(40_000);
});

test.each([
  ['a range', '{% for i in range(5000) %}{% set l = range(5000) %}{% endfor %}', 15],
  ['a great range', '{% for i in range(99999) %}x{% endfor %}', 0],
])('%s takes its steps before it is made', async (_, template, most) => {
  const { from } = Array;
  let made = 0;
  Array.from = ((...args: Parameters<typeof from>) => {
    const list = from(...args);
    if (list.length >= 5000) made++;
    return list;
  }) as typeof from;
  try {
    await expectRejection(render(template), 'LIMIT_EXCEEDED', 'steps');
  } finally {
    Array.from = from;
  }
  expect(made).toBeLessThanOrEqual(most);
});

test.each([
  ['a long reason', `${grow('ns.s = ns.s')}{{ raise_exception(("ab" * 1)|string) }}`],
  ['a long date', '{{ strftime_now(["%A"]|join * 1) }}'],
  ['what is no template', '{% if %}'],
])('%s is refused', async (_, template) => {
  await expectRejection(render(template), 'INPUT_INVALID');
});

test('a long conversation has its steps', async () => {
  const template =
    '{% for m in messages %}{% if loop.index0 < messages|length and m.role in ["user", "assistant"] %}' +
    '<|{{ m.role }}|>{{ m.content|trim }}{% if not loop.last %}{{ "\n" }}{% endif %}{% endif %}{% endfor %}';
  const messages = Array.from({ length: 2000 }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: ` Message ${i} ${'of some length '.repeat(20)}`,
  }));
  const text = await render(template, messages);
  expect(text.split('\n')).toHaveLength(2000);
});

test('a long conversation with tools has its steps, where each message looks through those before it', async () => {
  const template =
    '{% macro type(s) %}{% if s.type == "object" %}{ {% for k, v in s.properties|items %}{{ k }}: {{ type(v) }}' +
    '{% if v.enum %}({% for e in v.enum %}{{ e|tojson }}{% if not loop.last %}|{% endif %}{% endfor %}){% endif %}' +
    '{% if not loop.last %}, {% endif %}{% endfor %} }{% elif s.type == "array" %}{{ type(s["items"]) }}[]' +
    '{% else %}{{ s.type }}{% endif %}{% endmacro %}' +
    '{% for t in tools %}{% set f = t.function %}// {{ f.description }}\n{{ f.name }}: {{ type(f.parameters) }}\n' +
    '{{ t|tojson }}\n{% endfor %}' +
    '{% for m in messages %}{% set ns = namespace(open=true) %}{% for other in messages[:loop.index0] %}' +
    '{% if other.role == "tool" %}{% set ns.open = false %}{% endif %}{% endfor %}' +
    '<|{{ m.role }}|>{{ (m.content|trim).split("</think>")[-1] }}{% if not ns.open and m.tool_calls %}' +
    '{{ m.tool_calls[0].function.arguments|tojson }}{% endif %}\n{% endfor %}';
  const messages = Array.from({ length: 200 }, (_, i): ChatMessage => {
    const content = `<think>so</think> Message ${i} ${'of some length '.repeat(40)}`;
    if (i % 4 === 2) return { role: 'tool', name: 'tool', content };
    if (i % 4 !== 1) return { role: i % 4 === 0 ? 'user' : 'assistant', content };
    const call = { name: 'tool', arguments: { a: 'x', b: [1, 2], c: { d: i } } };
    return { role: 'assistant', content, tool_calls: [{ type: 'function', function: call }] };
  });
  const properties = {
    a: { type: 'string', description: 'Which of them', enum: ['x', 'y', 'z'] },
    b: { type: 'array', items: { type: 'integer' } },
    c: { type: 'object', properties: { d: { type: 'number' }, e: { type: 'boolean' } } },
  };
  const tools = Array.from({ length: 20 }, (_, i) => ({
    type: 'function',
    function: {
      name: `tool${i}`,
      description: 'Does something, and says what came of it.',
      parameters: { type: 'object', properties, required: ['a', 'b'] },
    },
  }));
  const text = await render(template, messages, { tools });
  expect(text.match(/<\|(user|assistant|tool)\|>/g)).toHaveLength(200);
  expect(text).toContain('tool19: { a: string("x"|"y"|"z"), b: integer[], c: { d: number');
});

test('what is no data is refused', async () => {
  const cycle: Record<string, unknown> = { role: 'user' };
  cycle['content'] = cycle;
  for (const content of [() => 0, Symbol('x'), cycle]) {
    const work = render('{{ messages }}', [{ role: 'user', content }]);
    await expect(work).rejects.toMatchObject({ name: 'TransformerError' });
  }
});
