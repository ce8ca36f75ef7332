// What a phrase can mean, and how Intl says it. A meaning knows no language, so one meaning rendered in two
// languages is a pair for a translator to learn.

import {
  dateFormat,
  type Language,
  listFormat,
  numberFormat,
  plain,
  relativeFormat,
} from './formats.ts';

export type { Language } from './formats.ts';
export type Kind = Meaning['kind'];

export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

/** The units that durations are of, the greatest first. */
export const durationUnits: readonly Exclude<TimeUnit, 'quarter'>[] = [
  ...(['year', 'month', 'week', 'day', 'hour', 'minute', 'second'] as const),
];

export type Meaning =
  /** Of a `time` the hours, minutes and seconds alone; of a `weekday` and a `month` these. */
  | {
      readonly kind: 'date' | 'dateWithTime' | 'time' | 'weekday' | 'month';
      readonly time: Date;
    }
  /** From a day to another one. */
  | { readonly kind: 'dateRange'; readonly time: Date; readonly end: Date }
  | { readonly kind: 'relativeTime'; readonly value: number; readonly unit: TimeUnit }
  /** Numbers of units of time, the greatest first: 2 hours, 5 minutes. */
  | { readonly kind: 'duration'; readonly parts: readonly (readonly [number, TimeUnit])[] }
  /** `compact` numbers are written short: 1.2 million. */
  | { readonly kind: 'number' | 'compact'; readonly value: number }
  /** `unit` is one that ECMA-402 sanctions, or two of them: `kilometer-per-hour`. */
  | { readonly kind: 'measure'; readonly value: number; readonly unit: string }
  /** `currency` by its code, such as `EUR`. */
  | { readonly kind: 'currency'; readonly value: number; readonly currency: string }
  /** `value` is a part of 1, to a tenth of a percent. */
  | { readonly kind: 'percent'; readonly value: number }
  /** All of some meanings, each in its first style, or one of them. */
  | {
      readonly kind: 'list';
      readonly items: readonly Meaning[];
      readonly type: 'conjunction' | 'disjunction';
    };

/** A meaning in each of its first `styles`: as many, in the same order, whatever the language. */
export function render(meaning: Meaning, language: Language, styles: number = Infinity): string[] {
  return texts(meaning, language, styles).map(plain);
}

function texts(meaning: Meaning, language: Language, styles: number): string[] {
  switch (meaning.kind) {
    case 'date':
    case 'dateWithTime':
    case 'time':
    case 'weekday':
    case 'month': {
      const { kind, time } = meaning;
      return dateStyles[kind]
        .slice(0, styles)
        .map((style) => dateFormat(language, style).format(time));
    }
    case 'dateRange': {
      const { time, end } = meaning;
      return rangeStyles.map((style) => dateFormat(language, style).formatRange(time, end));
    }
    case 'relativeTime': {
      const { value, unit } = meaning;
      const numerics = ['always', 'auto'] as const;
      return numerics.map((numeric) => relativeFormat(language, { numeric }).format(value, unit));
    }
    case 'duration':
      return widths.map((width) => duration(meaning.parts, language, width));
    case 'number':
    case 'compact': {
      const { kind, value } = meaning;
      return numberStyles[kind].map((style) => numberFormat(language, style).format(value));
    }
    case 'measure':
      return widths
        .slice(0, styles)
        .map((width) => measure(meaning.value, meaning.unit, language, width));
    case 'currency': {
      const { value, currency } = meaning;
      const style = { style: 'currency', currency } as const;
      return currencyDisplays
        .slice(0, styles)
        .map((currencyDisplay) =>
          numberFormat(language, { ...style, currencyDisplay }).format(value),
        );
    }
    case 'percent': {
      const hundredths = Number((100 * meaning.value).toFixed(1));
      const signed = { style: 'percent', maximumFractionDigits: 1 } as const;
      return [
        numberFormat(language, signed).format(meaning.value),
        measure(hundredths, 'percent', language, 'long'),
      ];
    }
    case 'list': {
      const { items, type } = meaning;
      const parts = items.flatMap((item) => texts(item, language, 1).slice(0, 1));
      return [listFormat(language, { type }).format(parts)];
    }
    default:
      return meaning satisfies never;
  }
}

const dateStyles: Readonly<
  Record<
    'date' | 'dateWithTime' | 'time' | 'weekday' | 'month',
    readonly Intl.DateTimeFormatOptions[]
  >
> = {
  date: [
    { dateStyle: 'full' },
    { dateStyle: 'long' },
    { dateStyle: 'medium' },
    { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' },
    { dateStyle: 'short' },
  ],
  dateWithTime: [
    { dateStyle: 'full', timeStyle: 'short' },
    { dateStyle: 'long', timeStyle: 'short' },
    { dateStyle: 'medium', timeStyle: 'short' },
    { dateStyle: 'medium', timeStyle: 'medium' },
    { dateStyle: 'short', timeStyle: 'short' },
  ],
  time: [{ timeStyle: 'short' }, { timeStyle: 'medium' }],
  weekday: [{ weekday: 'long' }],
  month: [{ month: 'long' }],
};

const rangeStyles = [
  { dateStyle: 'full' },
  { dateStyle: 'long' },
  { dateStyle: 'medium' },
] as const satisfies Intl.DateTimeFormatOptions[];

const numberStyles: Readonly<Record<'number' | 'compact', readonly Intl.NumberFormatOptions[]>> = {
  number: [{}, { signDisplay: 'exceptZero' }],
  compact: [
    { notation: 'compact', compactDisplay: 'long' },
    { notation: 'compact', compactDisplay: 'short' },
  ],
};

const currencyDisplays = ['name', 'symbol'] as const;

const widths = ['long', 'short'] as const;
type Width = (typeof widths)[number];

function measure(value: number, unit: string, language: Language, unitDisplay: Width): string {
  return numberFormat(language, { style: 'unit', unit, unitDisplay }).format(value);
}

/** As Intl.DurationFormat writes it, which older engines lack: a list of measures. */
function duration(
  parts: readonly (readonly [number, TimeUnit])[],
  language: Language,
  style: Width,
): string {
  const measures = parts.map(([value, unit]) => measure(value, unit, language, style));
  return listFormat(language, { type: 'unit', style }).format(measures);
}

/**
 * Whether a style of a meaning can be read back. What a language writes with two digits of a year tells no
 * century, and where English writes the month first, a day up to 12 may be a month.
 */
export function isReadable(meaning: Meaning, language: Language, style: number): boolean {
  if (meaning.kind !== 'date' && meaning.kind !== 'dateWithTime') return true;
  if (style !== dateStyles[meaning.kind].length - 1 || !isOfTwoDigits.has(language)) return true;
  const year = meaning.time.getUTCFullYear();
  const isRecent = year >= 1950 && year < 2050;
  return isRecent && (!isLikeEnglish.has(language) || meaning.time.getUTCDate() > 12);
}

const isOfTwoDigits: ReadonlySet<Language> = new Set(['de', 'en', 'es', 'it']);
const isLikeEnglish: ReadonlySet<Language> = new Set(['es', 'it']);
