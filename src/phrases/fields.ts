// Which phrases a translator is asked for. There are two fields: the small one of the recipe, which
// trains in an hour without a GPU, and the full one of the translator that ships with the package.

import type { Random } from '../model/random.ts';
import { hash } from './hash.ts';
import type { Kind, Language, Meaning, TimeUnit } from './meanings.ts';

export interface Field {
  readonly languages: readonly Language[];
  readonly kinds: readonly Kind[];
  /** Any meaning of one of the kinds. */
  draw(random: Random, kind: Kind): Meaning;
}

function fieldOf(
  languages: readonly Language[],
  draws: Partial<Readonly<Record<Kind, (random: Random) => Meaning>>>,
): Field {
  const kinds = Object.keys(draws) as Kind[];
  return {
    languages,
    kinds,
    draw(random, kind) {
      const meaning = draws[kind]?.(random);
      if (meaning !== undefined) return meaning;
      throw new RangeError(`there are no phrases of kind ${kind}, only ${kinds.join(', ')}`);
    },
  };
}

/** All directions between the languages of a field. */
export function directionsOf({
  languages,
}: Field): { readonly from: Language; readonly to: Language }[] {
  return languages.flatMap((from) =>
    languages.filter((to) => to !== from).map((to) => ({ from, to })),
  );
}

const recipeTimeUnits = [
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'year',
] as const satisfies TimeUnit[];
const recipeMeasureUnits = [
  'kilometer',
  'meter',
  'kilogram',
  'liter',
  'celsius',
  'hour',
  'minute',
] as const;

/** What the recipe trains: days of 40 years, times to the minute, numbers of one to three digits. */
export const recipeField: Field = fieldOf(['de', 'en', 'fr', 'zh'], {
  date: (random) => ({ kind: 'date', time: drawRecipeTime(random) }),
  dateWithTime: (random) => ({ kind: 'dateWithTime', time: drawRecipeTime(random) }),
  relativeTime(random) {
    const unit = random.pick(recipeTimeUnits);
    return { kind: 'relativeTime', unit, value: random.pick([-1, 1]) * random.integer(1, 60) };
  },
  measure(random) {
    const unit = random.pick(recipeMeasureUnits);
    const isFraction = random.integer(1, 3) === 1;
    const value = isFraction ? random.integer(10, 999) / 10 : random.integer(2, 999);
    return { kind: 'measure', unit, value };
  },
});

function drawRecipeTime(random: Random): Date {
  const day = 1 + random.integer(0, 40 * 365);
  return new Date(Date.UTC(1995, 0, day, random.integer(0, 23), random.integer(0, 59)));
}

/** A relative time within two units of now, which has words of its own: yesterday, this week. */
export function drawNearTime(
  random: Random,
  units: readonly TimeUnit[] = recipeTimeUnits,
): Meaning {
  return { kind: 'relativeTime', unit: random.pick(units), value: random.integer(-2, 2) };
}

/**
 * True for one meaning in twenty, which the recipe never draws to train, in any language. The day
 * alone decides for dates with and without time, so that neither shows a day of the other that is held
 * out. Values up to 2 are never held out: they have words and forms of their own (tomorrow, 1 hour).
 */
export function isHeldOut(meaning: Meaning): boolean {
  if ('value' in meaning && Math.abs(meaning.value) <= 2) return false;
  let key = `${meaning.kind} `;
  if ('time' in meaning) key = meaning.time.toISOString().slice(0, 'yyyy-mm-dd'.length);
  else if ('unit' in meaning) key += `${meaning.value} ${meaning.unit}`;
  else key += meaning.value;
  return hash(Array.from(key, (character) => character.codePointAt(0) ?? 0)) % 20 === 0;
}

/**
 * What the translator in models/phrases was trained for. Half of the dates are of 1900 to 2099, the
 * others of all years alike; numbers are of all lengths alike; one relative time in eight is near.
 */
export const fullField: Field = fieldOf(['de', 'en', 'es', 'fr', 'it', 'ja', 'pt', 'zh'], {
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
});

const timeUnits = [...recipeTimeUnits, 'quarter'] as const satisfies TimeUnit[];

/** The single units of ECMA-402 but for percent, which is a kind, and what people join of them. */
const measureUnits = [
  ...'acre bit byte celsius centimeter day degree fahrenheit fluid-ounce foot gallon'.split(' '),
  ...'gigabit gigabyte gram hectare hour inch kilobit kilobyte kilogram kilometer'.split(' '),
  ...'liter megabit megabyte meter microsecond mile mile-scandinavian milliliter'.split(' '),
  ...'millimeter millisecond minute month nanosecond ounce petabyte pound'.split(' '),
  ...'second stone terabit terabyte week yard year'.split(' '),
  ...'kilometer-per-hour meter-per-second mile-per-hour'.split(' '),
  ...'liter-per-kilometer mile-per-gallon'.split(' '),
];

/** First and last days, counted from 1970 on. */
const days = {
  recent: [-25_567, 47_481], // 1900 to 2099
  all: [-719_162, 2_932_896], // years 1 to 9999
} as const;
const millisecondsOfDay = 86_400_000;

/** A whole number of up to `digits` digits, each length as likely. */
function drawWhole(random: Random, digits: number): number {
  return random.integer(0, 10 ** random.integer(1, digits) - 1);
}
