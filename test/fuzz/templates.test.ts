// Chat templates drawn from pieces that write, loop, grow and call themselves: a text or a typed error,
// within the steps that a template may take.
import { expect } from 'vitest';
import { TransformerError } from '../../src/runtime/errors.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { cases } from '../support/fuzz.ts';
import type { Random } from '../support/random.ts';
import { memorySource } from '../support/source.ts';
import { tokenizerFiles } from '../support/tokenizer.ts';

const files = await tokenizerFiles('chat');

const values = [
  'messages',
  'm',
  'm.content',
  'm.role',
  'ns.s',
  'ns.l',
  'ns',
  '1',
  '"x"',
  '[]',
  '{}',
  'i',
];

function expression(random: Random, depth: number): string {
  if (depth === 0) return random.pick(values);
  const part = (): string => expression(random, depth - 1);
  return random.pick<() => string>([
    () => `${part()} + ${part()}`,
    () => `${part()} ~ ${part()}`,
    () => `(${part()}) == (${part()})`,
    () => `${part()} in (${part()})`,
    () => `(${part()})[${random.pick(['0', '-1', '1:', '::-1', '"content"'])}]`,
    () => `[${part()}, ${part()}]`,
    () => `{"a": ${part()}}`,
    () =>
      `(${part()})|${random.pick(['tojson', 'length', 'trim', 'list', 'string', 'upper', 'join'])}`,
    () => `(${part()})|tojson(indent=${random.pick(['2', '1000000000'])})`,
    () => `(${part()})|join(${part()})`,
    () => `(${part()}).replace("x", ${part()})`,
    () => `(${part()}).split(${part()})`,
    () => `(${part()}).strip(${part()})`,
    () => `range(${random.pick(['3', '1000', '1000000000', '0, 9, 0'])})`,
    () => `f(${part()})`,
    () => `raise_exception(${part()})`,
    () => `${part()} if ${part()} else ${part()}`,
  ])();
}

function statement(random: Random, depth: number): string {
  const value = (): string => expression(random, random.integer(0, 3));
  const body = (): string => (depth === 0 ? '' : statement(random, depth - 1));
  return random.pick<() => string>([
    () => `text \n`,
    () => `{{ ${value()} }}`,
    () => `{% set ns.s = ${value()} %}`,
    () => '{% set ns.s = ns.s + ns.s %}',
    () => '{% set ns.l = [ns.l, ns.l] %}',
    () => `{% for m in ${value()} %}${body()}{% endfor %}`,
    () => `{% for i in range(${random.integer(0, 400)}) %}${body()}${body()}{% endfor %}`,
    () => `{% if ${value()} %}${body()}{% else %}${body()}{% endif %}`,
    () => `{% macro f(x) %}${body()}{{ f(x) }}{% endmacro %}`,
    () => `{%- filter upper -%}${body()}{%- endfilter -%}`,
    () => `${body()}${body()}`,
    () => random.pick(['{%', '}}', '{% endfor %}', '{# #}', '{% break %}', '{{ {{ }}']),
  ])();
}

cases('templates', 250, async (random) => {
  const parts = Array.from({ length: random.integer(1, 8) }, () => statement(random, 3));
  const source = `{% set ns = namespace(s="xy", l=[1]) %}${parts.join('')}`;
  const own = { ...files, 'chat_template.jinja': new TextEncoder().encode(source) };
  const tokenizer = await Tokenizer.load(memorySource(own), undefined);
  try {
    const messages = [
      { role: 'user', content: ' xx ' },
      { role: 'assistant', content: 'y' },
    ];
    expect(typeof (await tokenizer.applyChatTemplate(messages))).toBe('string');
  } catch (error) {
    if (!(error instanceof TransformerError)) throw new Error(source, { cause: error });
    expect(error.message.length).toBeLessThan(1500);
  }
});
