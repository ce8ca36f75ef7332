// Patterns of tokenizer.json: the same matches as JavaScript's own engine finds, in steps that grow
// with the text alone, whatever the pattern.
import { describe, expect, test } from 'vitest';
import { findMatches } from '../../src/tokenizer/pattern-matcher.ts';
import { compileProgram } from '../../src/tokenizer/pattern-syntax.ts';
import { compileRegex } from '../../src/tokenizer/pattern-matcher.ts';
import { compilePattern } from '../../src/tokenizer/patterns.ts';
import { ReplacePreTokenizer } from '@huggingface/tokenizers';

/** As the published files of these tokenizers have them. */
const published: Readonly<Record<string, string>> = {
  'GPT-2': String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  cl100k: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'Llama 3': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  Qwen2: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  o200k: String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'DeepSeek V3': String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'DeepSeek V3, ideographs': '[一-龥぀-ゟ゠-ヿ]+',
  'digits from the right': String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  'Gemma, T5': ' {2,}',
  Falcon: '[0-9][0-9][0-9]',
  Bloom: String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
};

const shapes: Readonly<Record<string, (count: number) => string>> = {
  letters: (count) => 'a'.repeat(count),
  capitals: (count) => 'A'.repeat(count),
  digits: (count) => '7'.repeat(count),
  spaces: (count) => `x${' '.repeat(count)}x`,
  lines: (count) => ' \n'.repeat(count / 2),
  signs: (count) => '!'.repeat(count),
  ideographs: (count) => '日本'.repeat(count / 2),
  marks: (count) => `e${'\u0301'.repeat(count)}`,
  emoji: (count) => '👩\u200d'.repeat(count / 3),
  surrogates: (count) => '\ud83d'.repeat(count),
  mixed: (count) => "It's 1234 O'Brien, schön!\r\n\r\n  日本 👍🏽\tx ".repeat(count / 40),
};

/** JavaScript's own matches of a pattern as tokenizer.json has it. */
function nativeMatches(source: string, text: string): (readonly [number, number])[] {
  const { pattern } = new ReplacePreTokenizer({ type: 'Replace', pattern: { Regex: source } });
  return Array.from(text.matchAll(pattern!), ({ 0: found, index }) => [
    index,
    index + found.length,
  ]);
}

describe.each(Object.entries(published))('%s', (_, source) => {
  const find = compilePattern({ Regex: source }, compileRegex);

  test.each(Object.entries(shapes))('finds what it should in %s', (__, shape) => {
    const text = shape(240);
    expect(find(text).matches).toEqual(nativeMatches(source, text));
  });

  test('takes steps in proportion to the length', () => {
    const { pattern } = new ReplacePreTokenizer({ type: 'Replace', pattern: { Regex: source } });
    const program = compileProgram(pattern!.source);
    for (const shape of Object.values(shapes)) {
      const few = findMatches(program, shape(600)).steps;
      expect(findMatches(program, shape(6000)).steps).toBeLessThan(11 * few);
    }
  });
});

test.each([
  ['(a+)+$', 'a', 'b'],
  ['(a|a)*$', 'a', 'b'],
  ['(a|aa)+$', 'a', 'b'],
  ['(.*a){20}', 'a', ''],
  ['(?=(a+)+b)a', 'a', ''],
  ['(?<=(a|aa)+b)c', 'a', 'c'],
  ['a*a*a*a*a*b', 'a', ''],
  ['a+b', 'a', ''],
  ['(?:(?=a*$)a|a)+?b', 'a', ''],
  [String.raw`(\w+\s?)+!`, 'word ', ''],
  ['((a*)*)*b', 'a', ''],
])('%s ends, however long the text', (source, unit, end) => {
  const { pattern } = new ReplacePreTokenizer({ type: 'Replace', pattern: { Regex: source } });
  const program = compileProgram(pattern!.source);
  const few = findMatches(program, unit.repeat(500) + end).steps;
  const many = findMatches(program, unit.repeat(5000) + end).steps;
  expect(many).toBeLessThan(12 * few);
  // Of a text that the engine can still do, the matches are the same.
  const text = unit.repeat(10 / unit.length) + end;
  expect(findMatches(program, text).matches).toEqual(nativeMatches(source, text));
});

test.each([
  [String.raw`(a)\1`, 'not supported'],
  [`${'('.repeat(500)}a${')'.repeat(500)}`, 'levels'],
  ['((a{1,100}){1,100}){1,100}', 'instructions'],
  ['a'.repeat(30_000), 'longer than 20000'],
])('%.20s is refused', (source, reason) => {
  expect(() => compilePattern({ Regex: source }, compileRegex)).toThrow(reason);
});

test('what a match could still become is told apart from what is certain', () => {
  const program = compileProgram(String.raw` ?\p{L}+|\s+`);
  expect(findMatches(program, 'ab cd').certain).toBe(2);
  expect(findMatches(program, 'ab cd ').certain).toBe(5);
});
