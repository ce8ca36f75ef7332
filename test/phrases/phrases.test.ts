// Phrases as data: what training draws, what it never draws, and that one text has one target.
import { expect, test } from 'vitest';
import { narrowField } from '../../src/phrases/fields.ts';
import { isHeldOut } from '../../src/phrases/held-out.ts';
import { render } from '../../src/phrases/meanings.ts';
import {
  batchAt,
  drawPhrases,
  pairAt,
  type Phrase,
  trainingPhrase,
  unseenPhrases,
} from '../../src/phrases/phrases.ts';
import { wideField } from '../../src/phrases/wide-field.ts';
import { Random } from '../support/random.ts';

const { kinds, languages } = narrowField;
const timeUnits = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const;

/** One number of the training data from each 48 in a row: always of one kind in one direction. */
function numbersOf(wanted: Pick<Phrase, 'kind' | 'from' | 'to'>, count: number): number[] {
  const first = Array.from({ length: 48 }, (_, index) => index).find((index) => {
    const { kind, from, to } = trainingPhrase(0, index);
    return kind === wanted.kind && from === wanted.from && to === wanted.to;
  });
  return Array.from({ length: count }, (_, i) => first! + 48 * i);
}

test('evaluation draws stay the same from release to release', () => {
  const random = new Random(8);
  const drawn = kinds.map((kind) => narrowField.draw(random, kind));
  expect(drawn).toEqual([
    { kind: 'date', time: new Date('2007-10-17T05:39Z') },
    { kind: 'dateWithTime', time: new Date('2023-02-13T02:48Z') },
    { kind: 'relativeTime', unit: 'second', value: -41 },
    { kind: 'measure', unit: 'celsius', value: 965 },
  ]);
  const phrases = drawPhrases(8, 2);
  expect(phrases).toHaveLength(96);
  expect(drawPhrases(8, 2)).toEqual(phrases);
  expect(drawPhrases(9, 2)).not.toEqual(phrases);
});

test('percent is written with the sign and with the word', () => {
  const meaning = { kind: 'percent', value: 0.125 } as const;
  expect(render(meaning, 'en')).toEqual(['12.5%', '12.5 percent']);
  expect(render(meaning, 'fr')).toEqual(['12,5 %', '12,5 pour cent']);
  expect(render(meaning, 'zh')).toEqual(['12.5%', '12.5%']);
  // Chinese writes both alike: either is right in French.
  const drawn = drawPhrases(3, 2, wideField).filter(
    ({ kind, from, to }) => kind === 'percent' && from === 'zh' && to === 'fr',
  );
  for (const { answers } of drawn) expect(answers).toHaveLength(2);
});

test('a pair is found by its number alone', () => {
  const batches = [0, 1, 2].map((step) => batchAt(3, step, 32));
  expect(batches.flat()).toEqual(Array.from({ length: 96 }, (_, index) => pairAt(3, index)));
  expect(batchAt(3, 1, 32)).toEqual(batches[1]);
  expect(batchAt(4, 1, 32)).not.toEqual(batches[1]);
  // Dates with time hardly repeat by chance: 1200 of 21 million minutes, in 3 styles.
  const texts = [3, 4].flatMap((seed) => batchAt(seed, 0, 4800)).map(({ source }) => source);
  const timed = texts.filter((text) => /\d:\d\d/.test(text));
  expect(timed).toHaveLength(2400);
  expect(new Set(timed).size).toBe(2400);
});

test('48 pairs in a row hold each kind in each direction, 12 each direction', () => {
  expect(narrowField.directions).toHaveLength(12);
  const row = Array.from({ length: 48 }, (_, i) => trainingPhrase(1, 7 + i));
  expect(new Set(row.map(({ kind, from, to }) => `${kind} ${from} ${to}`)).size).toBe(48);
  expect(new Set(row.slice(0, 12).map(({ from, to }) => `${from} ${to}`)).size).toBe(12);
  for (const [i, { to, text, answers }] of row.entries()) {
    expect(pairAt(1, 7 + i)).toEqual({ source: `>>${to}<<${text}`, target: answers[0] });
  }
});

test('one text has one target, in the first of the styles that fit', () => {
  const targets = new Map<string, string>();
  const conflicts = batchAt(0, 0, 60_000).filter(({ source, target }) => {
    const first = targets.get(source) ?? target;
    targets.set(source, first);
    return first !== target;
  });
  expect(conflicts).toEqual([]);
  expect(targets.get('>>de<<2 days ago')).toBe('vor 2 Tagen');
  expect(targets.get('>>fr<<vorgestern')).toBe('avant-hier');
  expect(targets.get('>>zh<<yesterday')).toBe('昨天');
  expect(targets.get('>>en<<gestern')).toBe('yesterday');
  expect(targets.get('>>en<<heute')).toBe('today');
  // German writes the medium style in figures. In Chinese it is the long style, and so in May.
  const figures = [...targets].filter(([, target]) => /^\d\d\.\d\d\.\d{4}$/.test(target));
  expect(figures.length).toBeGreaterThan(100);
  expect(figures.filter(([source]) => /月|May|mai/.test(source))).toEqual([]);
});

test('training and unseen phrases share no text', () => {
  const unseen = new Set(unseenPhrases(5, 60).map(({ to, text }) => `>>${to}<<${text}`));
  expect(unseen.size).toBeGreaterThan(1500);
  const seen = batchAt(0, 0, 60_000).filter(({ source }) => unseen.has(source));
  expect(seen).toEqual([]);
});

test('one meaning in twenty is held out, by day, and never one with words of its own', () => {
  const days = Array.from({ length: 14_601 }, (_, day) => Date.UTC(1995, 0, 1 + day));
  const heldOut = days.filter((day) => isHeldOut({ kind: 'date', time: new Date(day) }));
  // Three standard deviations of a binomial of 1/20 are 0.0054.
  expect(Math.abs(heldOut.length / days.length - 0.05)).toBeLessThan(0.0054);
  for (const day of days.slice(0, 400)) {
    const noon = { kind: 'dateWithTime', time: new Date(day + 12 * 3_600_000) } as const;
    expect(isHeldOut(noon)).toBe(heldOut.includes(day));
  }
  for (const kind of ['relativeTime', 'measure'] as const) {
    for (const value of [-2, -1, 0, 1, 1.5, 2]) {
      for (const unit of ['hour', 'minute'] as const) {
        expect(isHeldOut({ kind, value, unit })).toBe(false);
      }
    }
  }
});

test('training draws every relative time but those held out', () => {
  const numbers = numbersOf({ kind: 'relativeTime', from: 'en', to: 'de' }, 20_000);
  const drawn = new Set(numbers.map((index) => trainingPhrase(0, index).text));
  const wanted = new Set<string>();
  let heldOut = 0;
  for (const unit of timeUnits) {
    for (let value = -60; value <= 60; value++) {
      const meaning = { kind: 'relativeTime', unit, value } as const;
      if (isHeldOut(meaning)) heldOut++;
      else for (const text of render(meaning, 'en')) wanted.add(text);
    }
  }
  expect([...drawn].toSorted()).toEqual([...wanted].toSorted());
  // 812 may be held out: 40.6 of them on average, with a standard deviation of 6.2.
  expect(Math.abs(heldOut - 40.6)).toBeLessThan(3 * 6.2);
});

test('training covers days, times and numbers as evaluation does', () => {
  const dates = numbersOf({ kind: 'dateWithTime', from: 'de', to: 'zh' }, 3000).map(
    (index) => trainingPhrase(0, index).text,
  );
  const parts = dates.map((text) => /(\d{4}).* (\d\d):(\d\d)$/.exec(text)!.slice(1).map(Number));
  const [years, hours, minutes] = [0, 1, 2].map((part) => new Set(parts.map((all) => all[part])));
  expect([...years!].toSorted((a, b) => a! - b!)).toEqual(
    Array.from({ length: 40 }, (_, i) => 1995 + i),
  );
  expect([hours!.size, minutes!.size]).toEqual([24, 60]);
  const numbers = numbersOf({ kind: 'measure', from: 'en', to: 'zh' }, 6000).map((index) =>
    Number.parseFloat(trainingPhrase(0, index).text),
  );
  expect(Math.min(...numbers)).toBeLessThan(2);
  expect(Math.max(...numbers)).toBe(999);
  const fractions = numbers.filter((number) => !Number.isInteger(number)).length / numbers.length;
  // A third are tenths, and a tenth of those are whole: 0.3, with a standard deviation of 0.006.
  expect(Math.abs(fractions - 0.3)).toBeLessThan(3 * 0.006);
});

test('answers are all styles that the text may be in, without repetition', () => {
  for (const { kind, from, to, text, answers } of [
    ...drawPhrases(1, 20),
    ...unseenPhrases(1, 20),
  ]) {
    expect(languages).toContain(from);
    expect(from).not.toBe(to);
    expect(new Set(answers).size).toBe(answers.length);
    expect(text + answers.join('')).not.toMatch(/[\u00a0\u2007\u2009\u202f]/);
    expect(answers.length, `${kind} ${text}`).toBeLessThanOrEqual(kind === 'measure' ? 1 : 3);
  }
  const numbers = numbersOf({ kind: 'relativeTime', from: 'en', to: 'de' }, 2000);
  const german = numbers.map((index) => trainingPhrase(0, index));
  const ago = german.find(({ text }) => text === '2 days ago');
  expect(ago?.answers).toEqual(['vor 2 Tagen', 'vorgestern']);
  const yesterday = german.find(({ text }) => text === 'yesterday');
  expect(yesterday?.answers).toEqual(['gestern']);
});
