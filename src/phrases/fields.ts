// Which phrases a translator is asked for. There are three fields: a narrow one, which trains within minutes without
// a GPU, the one of the translator that ships with the package, and the wide one (wide-field.ts).

import type { Random } from '../model/random.ts';
import type { Kind, Language, Meaning, TimeUnit } from './meanings.ts';

/** What training draws next: a kind of phrase, a relative time near now, or a text that is outside of the field. */
export type Turn = Kind | 'near' | 'outside';

export interface Direction {
  readonly from: Language;
  readonly to: Language;
}

export interface Field {
  readonly languages: readonly Language[];
  readonly kinds: readonly Kind[];
  /** All between its languages. */
  readonly directions: readonly Direction[];
  /** What training draws, over and over; those that are harder come more often. */
  readonly turns: readonly Turn[];
  /** Any meaning of one of the kinds. */
  draw(random: Random, kind: Kind): Meaning;
  /** A relative time that has words of its own, or is near one that has. */
  drawNear(random: Random): Meaning;
  /** How many of the styles of a kind are written; all of them by default. */
  stylesOf(kind: Kind): number;
}

type Draws = Partial<Readonly<Record<Kind, (random: Random) => Meaning>>>;

interface FieldSettings {
  /** The units of `drawNear`. */
  readonly units: readonly TimeUnit[];
  /** How many styles are written, where not all are. */
  readonly styles?: Partial<Readonly<Record<Kind, number>>>;
  /** What training draws; each kind once by default. */
  readonly turns?: readonly Turn[];
}

/** A field of the kinds of meanings that have draws. */
export function fieldOf(
  languages: readonly Language[],
  draws: Draws,
  { units, styles = {}, turns }: FieldSettings,
): Field {
  const kinds = Object.keys(draws) as Kind[];
  return {
    languages,
    kinds,
    directions: languages.flatMap((from) =>
      languages.filter((to) => to !== from).map((to) => ({ from, to })),
    ),
    turns: turns ?? kinds,
    draw(random, kind) {
      const meaning = draws[kind]?.(random);
      if (meaning !== undefined) return meaning;
      throw new RangeError(`there are no phrases of kind ${kind}, only ${kinds.join(', ')}`);
    },
    drawNear: (random) => drawNearTime(random, units),
    stylesOf: (kind) => styles[kind] ?? Infinity,
  };
}

/** Of the fields but the wide one, which leave out the short styles. */
const longStyles = { date: 3, dateWithTime: 3, measure: 1, currency: 1 };

const narrowTimeUnits = [
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'year',
] as const satisfies TimeUnit[];
const narrowMeasureUnits = [
  'kilometer',
  'meter',
  'kilogram',
  'liter',
  'celsius',
  'hour',
  'minute',
] as const;

/** What trains within ten minutes: days, relative times and measures of the narrow field, in three languages. */
export const quickField: Field = fieldOf(
  ['de', 'en', 'fr'],
  {
    date: (random) => narrowField.draw(random, 'date'),
    relativeTime: (random) => narrowField.draw(random, 'relativeTime'),
    measure: (random) => narrowField.draw(random, 'measure'),
  },
  { units: narrowTimeUnits, styles: longStyles },
);

/** Days of 40 years, times to the minute, numbers of one to three digits. */
export const narrowField: Field = fieldOf(
  ['de', 'en', 'fr', 'zh'],
  {
    date: (random) => ({ kind: 'date', time: drawNarrowTime(random) }),
    dateWithTime: (random) => ({ kind: 'dateWithTime', time: drawNarrowTime(random) }),
    relativeTime(random) {
      const unit = random.pick(narrowTimeUnits);
      return { kind: 'relativeTime', unit, value: random.pick([-1, 1]) * random.integer(1, 60) };
    },
    measure(random) {
      const unit = random.pick(narrowMeasureUnits);
      const isFraction = random.integer(1, 3) === 1;
      const value = isFraction ? random.integer(10, 999) / 10 : random.integer(2, 999);
      return { kind: 'measure', unit, value };
    },
  },
  { units: narrowTimeUnits, styles: longStyles },
);

function drawNarrowTime(random: Random): Date {
  const day = 1 + random.integer(0, 40 * 365);
  return new Date(Date.UTC(1995, 0, day, random.integer(0, 23), random.integer(0, 59)));
}

/** A relative time within two units of now, which has words of its own: yesterday, this week. */
function drawNearTime(random: Random, units: readonly TimeUnit[]): Meaning {
  return { kind: 'relativeTime', unit: random.pick(units), value: random.integer(-2, 2) };
}

export const allLanguages: readonly Language[] = ['de', 'en', 'es', 'fr', 'it', 'ja', 'pt', 'zh'];
export const timeUnits: readonly TimeUnit[] = [...narrowTimeUnits, 'quarter'];

/**
 * What the translator in models/phrases was trained for. Half of the dates are of 1900 to 2099, the
 * others of all years alike; numbers are of all lengths alike; one relative time in eight is near.
 */
export const embeddedField: Field = fieldOf(
  allLanguages,
  {
    date(random) {
      const [first, last] = random.integer(1, 2) === 1 ? days.recent : days.all;
      return { kind: 'date', time: new Date(random.integer(first, last) * millisecondsOfDay) };
    },
    dateWithTime(random) {
      const minute = random.integer(0, 24 * 60 - 1) * 60_000;
      const day = random.integer(...days.recent);
      return { kind: 'dateWithTime', time: new Date(day * millisecondsOfDay + minute) };
    },
    relativeTime(random) {
      if (random.integer(1, 8) === 1) return drawNearTime(random, timeUnits);
      const unit = random.pick(timeUnits);
      const value = drawWhole(random, 4);
      const isFuture = random.integer(0, 1) === 1;
      return { kind: 'relativeTime', unit, value: isFuture ? value : 0 - value };
    },
    measure(random) {
      const unit = random.pick(measureUnits);
      // Every second number has one or two decimals.
      const scale = random.pick([1, 1, 10, 100]);
      const value = drawWhole(random, 6) + random.integer(0, scale - 1) / scale;
      return { kind: 'measure', unit, value };
    },
    currency(random) {
      const value = drawWhole(random, 6) + random.pick([0, random.integer(0, 99) / 100]);
      const currency = random.pick(['USD', 'EUR', 'GBP', 'JPY', 'CNY']);
      return { kind: 'currency', currency, value };
    },
    percent: (random) => ({ kind: 'percent', value: random.integer(0, 1000) / 1000 }),
  },
  { units: timeUnits, styles: longStyles },
);

/** The single units of ECMA-402 but for percent, which is a kind, and what people join of them. */
export const measureUnits: readonly string[] = [
  ...'acre bit byte celsius centimeter day degree fahrenheit fluid-ounce foot gallon'.split(' '),
  ...'gigabit gigabyte gram hectare hour inch kilobit kilobyte kilogram kilometer'.split(' '),
  ...'liter megabit megabyte meter microsecond mile mile-scandinavian milliliter'.split(' '),
  ...'millimeter millisecond minute month nanosecond ounce petabyte pound'.split(' '),
  ...'second stone terabit terabyte week yard year'.split(' '),
  ...'kilometer-per-hour meter-per-second mile-per-hour'.split(' '),
  ...'liter-per-kilometer mile-per-gallon'.split(' '),
];

/** First and last days, counted from 1970 on. */
export const days = {
  recent: [-25_567, 47_481], // 1900 to 2099
  all: [-719_162, 2_932_896], // years 1 to 9999
} as const;
export const millisecondsOfDay = 86_400_000;

/** A whole number of up to `digits` digits, each length as likely. */
export function drawWhole(random: Random, digits: number): number {
  return random.integer(0, 10 ** random.integer(1, digits) - 1);
}
