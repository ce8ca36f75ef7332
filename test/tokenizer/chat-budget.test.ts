// Chat templates that would loop, grow or call themselves without end: an error that names the file,
// after a bounded number of steps.
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import type { ChatMessage } from '../../src/tokenizer/chat-template.ts';
import { expectRejection } from '../support/rejection.ts';
import { memorySource } from '../support/source.ts';
import { tokenizerFiles } from '../support/tokenizer.ts';

async function render(
  template: string,
  messages: readonly ChatMessage[] = [{ role: 'user', content: ' hi ' }],
): Promise<string> {
  const files = await tokenizerFiles('chat');
  files['chat_template.jinja'] = new TextEncoder().encode(template);
  const tokenizer = await Tokenizer.load(memorySource(files), undefined);
  return tokenizer.applyChatTemplate(messages);
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

test('what is no data is refused', async () => {
  const cycle: Record<string, unknown> = { role: 'user' };
  cycle['content'] = cycle;
  for (const content of [() => 0, Symbol('x'), cycle]) {
    const work = render('{{ messages }}', [{ role: 'user', content }]);
    await expect(work).rejects.toMatchObject({ name: 'TransformerError' });
  }
});
