// The field of the translator that ships with the package: what Intl writes and a person would try.

import type { Random } from '../model/random.ts';
import { type Drill, type Field, fieldOf, narrowTimeUnits, type Turn } from './fields.ts';
import { durationUnits, type Language, type Meaning, type TimeUnit } from './meanings.ts';

export const allLanguages: readonly Language[] = ['de', 'en', 'es', 'fr', 'it', 'ja', 'pt', 'zh'];
const timeUnits: readonly TimeUnit[] = [...narrowTimeUnits, 'quarter'];

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
const days = {
  recent: [-25_567, 47_481], // 1900 to 2099
  ofTwoDigits: [-7305, 29_218], // 1950 to 2049
  all: [-719_162, 2_932_896], // years 1 to 9999
} as const;
const millisecondsOfDay = 86_400_000;

/** Of dates in digits with every year, where other languages leave out what both days share. */
const digitRange: Drill = { draw: drawRange, from: ['ja', 'zh'] };

/** Dates of years that may have two digits, half of them late in a month. */
const shortDate: Drill = {
  draw(random) {
    const seconds = random.integer(0, 86_399);
    const time = new Date(drawDay(random, days.ofTwoDigits) + 1000 * seconds);
    if (random.integer(0, 1) === 1) moveTo(time, random.integer(29, 31));
    return { kind: random.pick(['date', 'dateWithTime'] as const), time };
  },
  isShort: true,
};

const measureList: Drill = { draw: (random) => drawList(random, drawCount) };

/** Dollars and pesos, whose names are alike. */
const dollars: Drill = { draw: (random) => drawAmount(random, ['USD', 'CAD', 'AUD', 'MXN']) };

/** What is learned the most slowly comes the most often. */
const turns: readonly Turn[] = [
  ...(['date', digitRange, 'outside', measureList, 'near', shortDate, 'measure'] as const),
  ...(['compact', measureList, 'dateRange', 'duration', digitRange, 'currency', 'list'] as const),
  ...(['dateWithTime', measureList, 'number', digitRange, 'relativeTime', 'compact'] as const),
  ...(['outside', measureList, 'time', shortDate, 'dateRange', dollars, measureList] as const),
  ...(['percent', digitRange, 'near', 'measure', 'list', 'measure', 'duration'] as const),
  ...(['measure', 'dateRange', 'duration', 'measure', 'number', 'measure'] as const),
  ...([digitRange, 'dateRange', digitRange, measureList, digitRange, 'dateRange'] as const),
  ...([digitRange, 'list'] as const),
];

/**
 * Dates of the years 1 to 9999 in all styles, with and without time and weekday; ranges of them; times; durations of
 * two or three units; relative times to ±9,999; numbers with signs, and compact ones; percentages; measures in every
 * sanctioned unit and five compound ones, long and short; twelve currencies by name and by symbol; lists.
 */
export const wideField: Field = fieldOf(
  allLanguages,
  {
    date: (random) => ({ kind: 'date', time: drawTime(random) }),
    dateWithTime: (random) => ({ kind: 'dateWithTime', time: drawTime(random) }),
    dateRange: drawRange,
    time: (random) => ({ kind: 'time', time: new Date(1000 * random.integer(0, 86_399)) }),
    relativeTime(random) {
      const value = drawWhole(random, 4);
      const isFuture = random.integer(0, 1) === 1;
      return {
        kind: 'relativeTime',
        unit: random.pick(timeUnits),
        value: isFuture ? value : 0 - value,
      };
    },
    duration(random) {
      const length = random.integer(2, 3);
      const first = random.integer(0, durationUnits.length - length);
      const units = durationUnits.slice(first, first + length);
      return {
        kind: 'duration',
        parts: units.map((unit, index) => {
          const most = index === 0 ? random.pick([9, 99]) : mostOf[unit];
          return [random.integer(1, most), unit] as const;
        }),
      };
    },
    number: (random) => ({ kind: 'number', value: drawSigned(random) }),
    compact: (random) => ({
      kind: 'compact',
      // Two digits that count, so that no language rounds what another one shows.
      value: random.integer(1, 99) * 10 ** random.integer(2, 13),
    }),
    percent(random) {
      const tenths = random.pick([random.integer(0, 1000), 10 * random.integer(0, 250)]);
      return { kind: 'percent', value: signed(random, tenths / 1000) };
    },
    measure: (random) => ({
      kind: 'measure',
      unit: random.pick(measureUnits),
      value: random.integer(1, 8) === 1 ? random.integer(0, 2) : drawSigned(random),
    }),
    currency: (random) => drawAmount(random, currencies),
    list: (random) => drawList(random, random.pick(listed)),
  },
  { units: timeUnits, turns },
);

const currencies = 'USD EUR GBP JPY CNY CHF CAD AUD INR BRL KRW MXN'.split(' ');

const mostOf = { year: 99, month: 11, week: 4, day: 6, hour: 23, minute: 59, second: 59 };

/** What lists are of, each of one kind. */
const listed: readonly ((random: Random) => Meaning)[] = [
  (random) => ({ kind: 'weekday', time: new Date(random.integer(0, 6) * millisecondsOfDay) }),
  (random) => ({ kind: 'month', time: new Date(Date.UTC(1970, random.integer(0, 11))) }),
  (random) => ({ kind: 'number', value: random.integer(0, 99) }),
  drawCount,
];

const lastDay = days.all[1] * millisecondsOfDay;

/** Half of the years from 1900 to 2099, the others of all; one day in eight is a 29th, 30th or 31st. */
function drawTime(random: Random): Date {
  const time = new Date(drawDay(random, random.pick([days.recent, days.all])));
  const late = random.integer(29, 31);
  if (random.integer(1, 8) === 1) moveTo(time, late);
  return new Date(time.getTime() + 1000 * random.integer(0, 86_399));
}

function drawDay(random: Random, [first, last]: readonly [number, number]): number {
  return random.integer(first, last) * millisecondsOfDay;
}

/** Moves a time to a day of its month, where there is such a day. */
function moveTo(time: Date, date: number): void {
  const moved = new Date(time);
  moved.setUTCDate(date);
  if (moved.getUTCDate() === date && moved.getTime() <= lastDay) time.setUTCDate(date);
}

function drawRange(random: Random): Meaning {
  const time = drawTime(random);
  // Within a month or two, or within years.
  const length = random.integer(1, random.pick([20, 60, 900]));
  const end = new Date(Math.min(time.getTime() + length * millisecondsOfDay, lastDay));
  const start = new Date(Math.min(time.getTime(), end.getTime() - millisecondsOfDay));
  return { kind: 'dateRange', time: start, end };
}

function drawCount(random: Random): Meaning {
  return { kind: 'measure', unit: random.pick(measureUnits), value: random.integer(1, 99) };
}

function drawAmount(random: Random, of: readonly string[]): Meaning {
  const value = drawWhole(random, 6) + random.pick([0, random.integer(0, 99) / 100]);
  return { kind: 'currency', currency: random.pick(of), value };
}

function drawList(random: Random, draw: (random: Random) => Meaning): Meaning {
  return {
    kind: 'list',
    type: random.pick(['conjunction', 'disjunction'] as const),
    items: Array.from({ length: random.integer(2, 4) }, () => draw(random)),
  };
}

/** A whole number of up to `digits` digits, each length as likely. */
function drawWhole(random: Random, digits: number): number {
  return random.integer(0, 10 ** random.integer(1, digits) - 1);
}

/** To 999,999, half of them with one or two decimals, one in four negative. */
function drawSigned(random: Random): number {
  const scale = random.pick([1, 1, 10, 100]);
  return signed(random, drawWhole(random, 6) + random.integer(0, scale - 1) / scale);
}

/** One in four negative, but for 0, which would be written -0. */
function signed(random: Random, value: number): number {
  return value !== 0 && random.integer(1, 4) === 1 ? -value : value;
}
