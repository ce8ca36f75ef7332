// Names with stars, as `freeze` and LoRA's `targets` take them.
import { expect, test } from 'vitest';
import { testOf } from '../../src/training/trainable.ts';

test.each<[string | RegExp, string, boolean]>([
  ['a.b', 'a.b', true],
  ['a.b', 'axb', false],
  ['', '', true],
  ['*', '', true],
  ['*', 'anything', true],
  ['a*', 'a', true],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['*.q_proj', 'layers.0.q_proj', true],
  ['*.q_proj', 'layers.0.q_proj.bias', false],
  ['*ab*ab', 'abab', true],
  ['*ab*ab', 'abxb', false],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'acb', false],
  ['ab*bc', 'abc', false],
  ['a**b', 'a.b', true],
  ['*.(x)+[0]', 'a.(x)+[0]', true],
  [/^a/g, 'ab', true],
])('%s fits %s: %s', (pattern, name, fits) => {
  expect(testOf(pattern)(name)).toBe(fits);
  expect(testOf(pattern)(name)).toBe(fits);
});

test('many stars take no time', () => {
  const pattern = `${'*a'.repeat(30)}*b`;
  const name = 'a'.repeat(100_000);
  expect(testOf(pattern)(name)).toBe(false);
  expect(testOf(pattern)(`${name}b`)).toBe(true);
  expect(testOf('*'.repeat(10_000))(name)).toBe(true);
});
