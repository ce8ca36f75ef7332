// What a phrase can mean, and how Intl says it: dates, relative times and measures. A meaning knows
// no language, so one meaning rendered in two languages is a pair for the translator to learn.

import type { Random } from '../model/random.ts';
import { hash } from './hash.ts';

export const languages = ['de', 'en', 'fr', 'zh'] as const;
export type Language = (typeof languages)[number];

export const kinds = ['date', 'dateWithTime', 'relativeTime', 'measure'] as const;
export type Kind = (typeof kinds)[number];

const dateStyles = ['full', 'long', 'medium'] as const;
const numerics = ['always', 'auto'] as const;
const timeUnits = ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const measureUnits = [
  'kilometer',
  'meter',
  'kilogram',
  'liter',
  'celsius',
  'hour',
  'minute',
] as const;

export type Meaning =
  | { readonly kind: 'date' | 'dateWithTime'; readonly time: Date }
  | {
      readonly kind: 'relativeTime';
      readonly value: number;
      readonly unit: (typeof timeUnits)[number];
    }
  | {
      readonly kind: 'measure';
      readonly value: number;
      readonly unit: (typeof measureUnits)[number];
    };

/** Any meaning of a kind: days of 40 years, times to the minute, numbers of one to three digits. */
export function drawMeaning(random: Random, kind: Kind): Meaning {
  if (kind === 'relativeTime') {
    const unit = random.pick(timeUnits);
    return { kind, unit, value: random.pick([-1, 1]) * random.integer(1, 60) };
  }
  if (kind === 'measure') {
    const unit = random.pick(measureUnits);
    const isFraction = random.integer(1, 3) === 1;
    const value = isFraction ? random.integer(10, 999) / 10 : random.integer(2, 999);
    return { kind, unit, value };
  }
  const day = 1 + random.integer(0, 40 * 365);
  const time = new Date(Date.UTC(1995, 0, day, random.integer(0, 23), random.integer(0, 59)));
  return { kind, time };
}

/** A relative time within two units of now, which has words of its own: yesterday, this week. */
export function drawNearTime(random: Random): Meaning {
  return { kind: 'relativeTime', unit: random.pick(timeUnits), value: random.integer(-2, 2) };
}

/**
 * True for one meaning in twenty, which training never draws, in any language. The day alone decides
 * for dates with and without time, so that neither shows a day of the other that is held out. Values
 * up to 2 are never held out: they have words and forms of their own (tomorrow, 1 hour).
 */
export function isHeldOut(meaning: Meaning): boolean {
  if ('value' in meaning && Math.abs(meaning.value) <= 2) return false;
  const key =
    'time' in meaning
      ? meaning.time.toISOString().slice(0, 'yyyy-mm-dd'.length)
      : `${meaning.kind} ${meaning.value} ${meaning.unit}`;
  return hash(Array.from(key, (character) => character.codePointAt(0) ?? 0)) % 20 === 0;
}

/** A meaning in each of its styles: as many, in the same order, whatever the language. */
export function render(meaning: Meaning, language: Language): string[] {
  if (meaning.kind === 'measure') {
    return [plain(measureFormat(language, meaning.unit).format(meaning.value))];
  }
  if (meaning.kind === 'relativeTime') {
    const { value, unit } = meaning;
    return numerics.map((numeric) => plain(relativeFormat(language, numeric).format(value, unit)));
  }
  const format = meaning.kind === 'date' ? dateFormat : timeFormat;
  return dateStyles.map((style) => plain(format(language, style).format(meaning.time)));
}

/** No-break, figure and thin spaces, which a person types as plain ones. */
export const specialSpaces = '[\u00a0\u2007\u2009\u202f]';
const anySpecialSpace = new RegExp(specialSpaces, 'g');

/** Text as the tokenizer normalizes it: plain spaces, NFC. */
function plain(text: string): string {
  return text.replaceAll(anySpecialSpace, ' ').normalize('NFC');
}

// A formatter takes about as long to make as a hundred phrases to format, so each is made once.
const dateFormat = remembered(
  (language, dateStyle: (typeof dateStyles)[number]) =>
    new Intl.DateTimeFormat(language, { dateStyle, timeZone: 'UTC' }),
);
const timeFormat = remembered(
  (language, dateStyle: (typeof dateStyles)[number]) =>
    new Intl.DateTimeFormat(language, { dateStyle, timeStyle: 'short', timeZone: 'UTC' }),
);
const relativeFormat = remembered(
  (language, numeric: (typeof numerics)[number]) =>
    new Intl.RelativeTimeFormat(language, { numeric }),
);
const measureFormat = remembered(
  (language, unit: (typeof measureUnits)[number]) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }),
);

/** `make`, which runs once for each language and style. */
function remembered<Style extends string, Format>(
  make: (language: Language, style: Style) => Format,
): (language: Language, style: Style) => Format {
  const made = new Map<string, Format>();
  return (language, style) => {
    const key = `${language} ${style}`;
    const format = made.get(key) ?? make(language, style);
    made.set(key, format);
    return format;
  };
}
