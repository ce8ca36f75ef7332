// Phrases to start from, rendered by the visitor's own Intl: the kind of text the model has learned.

/** Locale whose phrases the model knows, by language code. */
export const locales: readonly string[] = ['en', 'fr', 'de', 'zh'];

/** The phrases of one language: dates of `now` in several styles, relative times, measures. */
export function examplePhrases(locale: string, now: Date): string[] {
  const date = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale, options).format(now);
  const relative = (value: number, unit: Intl.RelativeTimeFormatUnit): string =>
    new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(value, unit);
  const measure = (value: number, unit: string): string =>
    new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
  return [
    date({ dateStyle: 'full' }),
    date({ dateStyle: 'long', timeStyle: 'short' }),
    date({ dateStyle: 'medium' }),
    relative(-1, 'day'),
    relative(3, 'week'),
    measure(42, 'kilometer'),
    measure(20, 'celsius'),
  ].map(plainSpaces);
}

/** Text as the model was trained on it: NFC, every kind of space a plain one. */
export function plainSpaces(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
}

/** A language's name in another language: in English, or in itself. */
export function languageName(code: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: 'language' }).of(code) ?? code;
}
