// What a phrase can mean, and how Intl says it: dates, relative times, measures and amounts. A meaning
// knows no language, so one meaning rendered in two languages is a pair for a translator to learn.

export type Language = 'de' | 'en' | 'es' | 'fr' | 'it' | 'ja' | 'pt' | 'zh';
export type Kind = Meaning['kind'];

const dateStyles = ['full', 'long', 'medium'] as const;
const numerics = ['always', 'auto'] as const;

export type TimeUnit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

export type Meaning =
  | { readonly kind: 'date' | 'dateWithTime'; readonly time: Date }
  | { readonly kind: 'relativeTime'; readonly value: number; readonly unit: TimeUnit }
  /** `unit` is one that ECMA-402 sanctions, or two of them: `kilometer-per-hour`. */
  | { readonly kind: 'measure'; readonly value: number; readonly unit: string }
  /** `currency` by its code, such as `EUR`; its name is written out. */
  | { readonly kind: 'currency'; readonly value: number; readonly currency: string }
  /** `value` is a part of 1, to a tenth of a percent; written with the sign, or with the word. */
  | { readonly kind: 'percent'; readonly value: number };

/** A meaning in each of its styles: as many, in the same order, whatever the language. */
export function render(meaning: Meaning, language: Language): string[] {
  switch (meaning.kind) {
    case 'date':
      return dateStyles.map((style) => plain(dateFormat(language, style).format(meaning.time)));
    case 'dateWithTime':
      return dateStyles.map((style) => plain(timeFormat(language, style).format(meaning.time)));
    case 'relativeTime': {
      const { value, unit } = meaning;
      return numerics.map((one) => plain(relativeFormat(language, one).format(value, unit)));
    }
    case 'measure':
      return [plain(measureFormat(language, meaning.unit).format(meaning.value))];
    case 'currency':
      return [plain(currencyFormat(language, meaning.currency).format(meaning.value))];
    case 'percent':
      return renderPercent(meaning.value, language);
    default:
      return meaning satisfies never;
  }
}

/** With the sign, then with the word. */
function renderPercent(part: number, language: Language): string[] {
  const hundredths = Number((100 * part).toFixed(1));
  const texts = [
    percentFormat(language, '').format(part),
    measureFormat(language, 'percent').format(hundredths),
  ];
  return texts.map(plain);
}

/** No-break, figure and thin spaces, which a person types as plain ones. */
export const specialSpaces = '[\u00a0\u2007\u2009\u202f]';
const anySpecialSpace = new RegExp(specialSpaces, 'g');

/** Text as the tokenizers normalize it: plain spaces, NFC. */
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
  (language, unit: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }),
);
const currencyFormat = remembered(
  (language, currency: string) =>
    new Intl.NumberFormat(language, { style: 'currency', currency, currencyDisplay: 'name' }),
);
const percentFormat = remembered(
  (language) => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }),
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
