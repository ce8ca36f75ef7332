// Texts that mean two things of the field: the answers to both are right.
import { expect, test } from 'vitest';
import { alikeMeanings } from '../../src/phrases/alike.ts';
import { type Language, type Meaning, render } from '../../src/phrases/meanings.ts';
import { drawPhrases, type Phrase } from '../../src/phrases/phrases.ts';
import { wideField } from '../../src/phrases/wide-field.ts';

const measures = (...units: readonly [number, string][]): Meaning[] =>
  units.map(([value, unit]) => ({ kind: 'measure', value, unit }));

test.each<[string, Language, Meaning, Meaning]>([
  ['16 mi', 'pt', { kind: 'compact', value: 16e6 }, { kind: 'measure', value: 16, unit: 'mile' }],
  [
    '7,9 mi',
    'pt',
    { kind: 'compact', value: 7.9e6 },
    { kind: 'measure', value: 7.9, unit: 'mile' },
  ],
  [
    '190 B',
    'es',
    { kind: 'compact', value: 190e12 },
    { kind: 'measure', value: 190, unit: 'byte' },
  ],
  ['67.000', 'de', { kind: 'compact', value: 67_000 }, { kind: 'number', value: 67_000 }],
  [
    '47 heures, 58 minutes et 51 secondes',
    'fr',
    {
      kind: 'duration',
      parts: [
        [47, 'hour'],
        [58, 'minute'],
        [51, 'second'],
      ],
    },
    {
      kind: 'list',
      type: 'conjunction',
      items: measures([47, 'hour'], [58, 'minute'], [51, 'second']),
    },
  ],
])('%s, in %s', (text, language, one, other) => {
  for (const [meaning, alike] of [
    [one, other],
    [other, one],
  ] as const) {
    expect(render(meaning, language)).toContain(text);
    expect(alikeMeanings(meaning)).toContainEqual(alike);
  }
});

test.each<[string, Meaning]>([
  ['a number that a short one would round', { kind: 'number', value: 36_183 }],
  ['a fraction', { kind: 'number', value: 6700.5 }],
  ['a negative number', { kind: 'number', value: -67_000 }],
  ['miles that would be rounded', { kind: 'measure', value: 12.75, unit: 'mile' }],
  ['another unit', { kind: 'measure', value: 16, unit: 'meter' }],
  [
    'one or the other',
    { kind: 'list', type: 'disjunction', items: measures([2, 'hour'], [5, 'minute']) },
  ],
  [
    'units that do not follow',
    { kind: 'list', type: 'conjunction', items: measures([2, 'hour'], [5, 'second']) },
  ],
  [
    'units in another order',
    { kind: 'list', type: 'conjunction', items: measures([5, 'minute'], [2, 'hour']) },
  ],
  [
    'a list that begins with another unit',
    { kind: 'list', type: 'conjunction', items: measures([3, 'meter'], [2, 'year']) },
  ],
  [
    'numbers',
    {
      kind: 'list',
      type: 'conjunction',
      items: [5, 2].map((value) => ({ kind: 'number', value })),
    },
  ],
  ['a time', { kind: 'time', time: new Date(0) }],
])('%s means one thing alone', (_, meaning) => {
  expect(alikeMeanings(meaning)).toEqual([]);
});

test('a phrase has the answers to all that its text means, and its own come first', () => {
  const phrases = drawPhrases(1, 30, wideField);
  const find = (from: Language, to: Language, pattern: RegExp): Phrase =>
    phrases.find(
      (phrase) => phrase.from === from && phrase.to === to && pattern.test(phrase.text),
    )!;
  const { kind, text, answers } = find('pt', 'en', /^\d+ mi$/);
  const count = text.split(' ')[0]!;
  const [short, miles] = [`${count}M`, `${count} mi`];
  expect(answers).toEqual(kind === 'compact' ? [short, miles] : [miles, short]);
  // What both ways give alike stands once, and where the texts differ, one answer is left.
  const duration = / e \d+ (minutos|segundos)$/u;
  expect(find('pt', 'es', duration).answers).toHaveLength(1);
  expect(find('pt', 'en', duration).answers).toHaveLength(2);
  expect(find('en', 'fr', /, \d+ (minutes|seconds)$/u).answers).toHaveLength(1);
});
