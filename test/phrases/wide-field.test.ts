// The wide field: what it draws, which styles can be read back, and what is outside of it.
import { expect, test } from 'vitest';
import { isReadable, type Kind, type Meaning, render } from '../../src/phrases/meanings.ts';
import { drawOutside, outsideToken } from '../../src/phrases/outside.ts';
import { fieldOf } from '../../src/phrases/fields.ts';
import { isHeldOut } from '../../src/phrases/held-out.ts';
import {
  batchAt,
  drawPhrases,
  pairAt,
  trainingPhrase,
  unseenPhrases,
} from '../../src/phrases/phrases.ts';
import { wideField } from '../../src/phrases/wide-field.ts';
import { Random } from '../support/random.ts';

const { kinds, languages, turns } = wideField;
const directions = wideField.directions.length;

/** Many meanings of a kind. */
function drawn<K extends Kind>(kind: K, count = 3000): Of<K>[] {
  const random = new Random(8);
  const isOfKind = (meaning: Meaning): meaning is Of<K> => meaning.kind === kind;
  return Array.from({ length: count }, () => wideField.draw(random, kind)).filter(isOfKind);
}

type Of<K extends Kind> = Meaning & { readonly kind: K };

test('each kind is drawn in turn, and nothing that is no kind', () => {
  expect(languages).toHaveLength(8);
  const named = turns.filter((turn) => typeof turn === 'string');
  expect(new Set(named)).toEqual(new Set([...kinds, 'near', 'outside']));
});

test('drills are of the languages and the style that they ask for', () => {
  const rounds = Array.from({ length: 4 * turns.length * directions }, (_, index) => index);
  const drilled = rounds.flatMap((index) => {
    const turn = turns[Math.floor(index / directions) % turns.length]!;
    return typeof turn === 'string' ? [] : [{ turn, ...trainingPhrase(2, index, wideField) }];
  });
  expect(new Set(drilled.map(({ kind }) => kind))).toEqual(
    new Set(['date', 'dateWithTime', 'dateRange', 'list', 'currency']),
  );
  const ranges = drilled.filter(({ kind }) => kind === 'dateRange');
  for (const { from, to } of ranges) {
    expect(['ja', 'zh']).toContain(from);
    expect(from).not.toBe(to);
  }
  expect(new Set(ranges.map(({ to }) => to)).size).toBe(8);
  const english = drilled.filter(({ from, turn }) => from === 'en' && turn.isShort);
  expect(english.length).toBeGreaterThan(20);
  for (const { text } of english) {
    expect(text).toMatch(/^\d{1,2}\/\d{1,2}\/\d\d(, \d{1,2}:\d\d [AP]M)?$/);
  }
});

test('what is held out is drilled no more than it is drawn', () => {
  const meters = (value: number): Meaning => ({ kind: 'measure', unit: 'meter', value });
  const drill = {
    draw: (random: { integer(a: number, b: number): number }) => meters(random.integer(3, 99)),
  };
  const field = fieldOf(['de', 'en'], {}, { units: [], turns: [drill] });
  const sources = batchAt(1, 0, 3000, field).map(({ source }) => source);
  const values = Array.from({ length: 97 }, (_, i) => i + 3);
  const isAsked = (value: number): boolean => sources.includes(`>>de<<${value} meters`);
  expect(values.filter((value) => !isAsked(value))).toEqual(
    values.filter((value) => isHeldOut(meters(value))),
  );
});

test('evaluation draws stay the same from release to release', () => {
  const random = new Random(8);
  const texts = kinds.map((kind) => render(wideField.draw(random, kind), 'en')[0]);
  expect(texts).toEqual([
    'Tuesday, January 25, 1944',
    'Wednesday, February 3, 151 at 4:35 PM',
    'Tuesday, March 21 – Wednesday, April 26, 9656',
    '8:36 AM',
    'in 1,895 minutes',
    '8 days, 15 hours, 2 minutes',
    '17,327.15',
    '1.8 billion',
    '36.2%',
    '7,727.2 degrees Fahrenheit',
    '119,028.25 Indian rupees',
    'November, July, July, and March',
  ]);
});

test.each(kinds)('every language writes a meaning of kind %s in as many styles', (kind) => {
  for (const meaning of drawn(kind, 40)) {
    const all = languages.map((language) => render(meaning, language));
    expect(new Set(all.map(({ length }) => length)).size).toBe(1);
    expect(all.flat().join('\n')).not.toMatch(/[\u00a0\u2007\u2009\u202f]|NaN|undefined/);
  }
});

test('some numbers are negative, and nothing is not', () => {
  for (const kind of ['number', 'measure', 'percent', 'relativeTime'] as const) {
    expect(drawn(kind).filter(({ value }) => Object.is(value, -0))).toEqual([]);
    expect(drawn(kind).some(({ value }) => value < 0)).toBe(true);
  }
});

test('days, ranges and numbers reach the ends of the field', () => {
  const years = drawn('date', 20_000).map(({ time }) => time.getUTCFullYear());
  expect(Math.min(...years)).toBeLessThan(10);
  expect(Math.max(...years)).toBeGreaterThan(9990);
  const days = drawn('date').map(({ time }) => time.getUTCDate());
  // One in eight is moved to the end of its month where the month is as long.
  expect(days.filter((day) => day >= 29).length / days.length).toBeGreaterThan(0.14);
  for (const { time, end } of drawn('dateRange')) {
    expect(end.getTime()).toBeGreaterThan(time.getTime());
    expect(end.getUTCFullYear()).toBeLessThan(10_000);
  }
  expect(Math.max(...drawn('number').map(({ value }) => value))).toBeGreaterThan(950_000);
});

test('measures have all units that are sanctioned, and some of two', () => {
  const units = new Set(drawn('measure').map(({ unit }) => unit));
  // The 45 that ECMA-402 sanctions but percent, which is a kind, and five that are made of two.
  const compound = [...units].filter((unit) => unit.includes('-per-'));
  expect([units.size, compound.length]).toEqual([49, 5]);
  const sanctioned = Intl.supportedValuesOf('unit');
  expect(compound.flatMap((unit) => unit.split('-per-'))).toEqual(
    expect.arrayContaining(['kilometer', 'hour', 'mile', 'gallon']),
  );
  expect(
    [...units].filter((unit) => !compound.includes(unit) && !sanctioned.includes(unit)),
  ).toEqual([]);
});

test('compact numbers lose nothing in any language', () => {
  for (const { value } of drawn('compact', 200)) {
    for (const language of ['de', 'en', 'fr'] as const) {
      const format = new Intl.NumberFormat(language, { notation: 'compact' });
      const exact = new Intl.NumberFormat(language, {
        notation: 'compact',
        maximumFractionDigits: 6,
      });
      expect(format.format(value)).toBe(exact.format(value));
    }
  }
});

test('a short date is read back where its century and its month can be told', () => {
  const date = (text: string): Meaning => ({ kind: 'date', time: new Date(`${text}T00:00Z`) });
  const short = 4;
  expect(render(date('2025-04-07'), 'en')[short]).toBe('4/7/25');
  expect(isReadable(date('2025-04-07'), 'en', short)).toBe(true);
  expect(isReadable(date('1925-04-07'), 'en', short)).toBe(false);
  expect(isReadable(date('2025-04-07'), 'es', short)).toBe(false);
  expect(isReadable(date('2025-04-17'), 'es', short)).toBe(true);
  expect(isReadable(date('1925-04-07'), 'fr', short)).toBe(true);
  expect(isReadable(date('1925-04-07'), 'en', short - 1)).toBe(true);
});

test('durations and lists are written as Intl joins them', () => {
  const parts = [
    [2, 'hour'],
    [5, 'minute'],
  ] as const;
  expect(render({ kind: 'duration', parts }, 'en')).toEqual(['2 hours, 5 minutes', '2 hr, 5 min']);
  expect(render({ kind: 'duration', parts }, 'fr')[0]).toBe('2 heures et 5 minutes');
  const items = [7, 8].map((value) => ({ kind: 'number', value }) as const);
  expect(render({ kind: 'list', type: 'disjunction', items }, 'es')).toEqual(['7 u 8']);
});

test('one text has one target, but for a few of two readings', () => {
  const targets = new Map<string, string>();
  const pairs = batchAt(0, 0, 20_000, wideField);
  const conflicts = pairs.filter(({ source, target }) => {
    const first = targets.get(source) ?? target;
    targets.set(source, first);
    return first !== target;
  });
  // "7 B" is seven bytes in German and seven billion in Spanish.
  expect(conflicts.length).toBeLessThan(20);
});

test('what is outside is answered by a token of its own, and is no phrase of the field', () => {
  const rounds = turns.length * directions;
  const outside = Array.from({ length: rounds }, (_, index) => pairAt(2, index, wideField)).filter(
    ({ target }) => target === outsideToken,
  );
  expect(outside).toHaveLength(2 * directions);
  const inside = new Set(
    [...drawPhrases(1, 20, wideField), ...unseenPhrases(1, 20, wideField)].map(({ text }) => text),
  );
  const random = new Random(4);
  const texts = Array.from({ length: 5000 }, () => drawOutside(random));
  expect(texts.filter((text) => inside.has(text))).toEqual([]);
  expect(texts.filter((text) => text.trim() === '')).toEqual([]);
  expect(new Set(texts).size).toBeGreaterThan(4500);
});
