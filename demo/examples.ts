// Phrases to start from, of the kinds that the model has learned, rendered by the visitor's own Intl.

import { type Language, type Meaning, render } from '../src/phrases/meanings.ts';

/** The languages the model knows, in the order of the page. */
export const locales: readonly Language[] = ['en', 'fr', 'de', 'es', 'it', 'pt', 'zh', 'ja'];

/** What the examples say, on a day, and in which of the styles that it has. */
export function exampleMeanings(
  now: Date,
): readonly { readonly meaning: Meaning; readonly style: number }[] {
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  const time = new Date(Date.UTC(year, month, day, now.getHours(), now.getMinutes()));
  return [
    { meaning: { kind: 'date', time }, style: 0 },
    { meaning: { kind: 'dateWithTime', time }, style: 1 },
    { meaning: { kind: 'relativeTime', value: -45, unit: 'minute' }, style: 0 },
    { meaning: { kind: 'relativeTime', value: 3, unit: 'week' }, style: 0 },
    { meaning: { kind: 'measure', value: 42, unit: 'kilometer-per-hour' }, style: 0 },
    { meaning: { kind: 'measure', value: 20.5, unit: 'celsius' }, style: 0 },
    { meaning: { kind: 'currency', value: 1250, currency: 'EUR' }, style: 0 },
  ];
}

/** The phrases of one language. */
export function examplePhrases(locale: Language, now: Date): string[] {
  return exampleMeanings(now).map(({ meaning, style }) => render(meaning, locale)[style] ?? '');
}

/** Text as the model was trained on it: NFC, every kind of space a plain one. */
export function plainSpaces(text: string): string {
  return text.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
}

/** A language's name in another language: in English, or in itself. */
export function languageName(code: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: 'language' }).of(code) ?? code;
}
