// Phrases of the embedded translator, drawn from a seed: dates, relative times and measures as Intl
// renders them, with every answer that counts as right.

import { Random } from './random.ts';

export const languages = ['de', 'en', 'fr', 'zh'] as const;
export type Language = (typeof languages)[number];

export interface Phrase {
  readonly kind: Kind;
  readonly from: Language;
  readonly to: Language;
  readonly text: string;
  /** What Intl gives for the styles in which the text reads like this. */
  readonly answers: readonly string[];
}

/** Renders one meaning in every style: the same styles, in the same order, for each language. */
type Render = (language: Language) => string[];

export type Kind = 'date' | 'dateWithTime' | 'relativeTime' | 'measure';

const kinds: Readonly<Record<Kind, (random: Random) => Render>> = {
  date,
  dateWithTime,
  relativeTime,
  measure,
};

/** Text as the model was trained on: plain spaces, NFC. */
function plain(text: string): string {
  return text.replaceAll(/[\u00a0\u2009\u202f]/g, ' ').normalize('NFC');
}

const dateStyles = ['full', 'long', 'medium'] as const;

function drawDate(random: Random): Date {
  const days = random.integer(0, 40 * 365);
  return new Date(Date.UTC(1995, 0, 1 + days, random.integer(0, 23), random.integer(0, 59)));
}

function date(random: Random): Render {
  const day = drawDate(random);
  return (language) =>
    dateStyles.map((dateStyle) =>
      new Intl.DateTimeFormat(language, { dateStyle, timeZone: 'UTC' }).format(day),
    );
}

function dateWithTime(random: Random): Render {
  const time = drawDate(random);
  return (language) =>
    dateStyles.map((dateStyle) => {
      const options = { dateStyle, timeStyle: 'short', timeZone: 'UTC' } as const;
      return new Intl.DateTimeFormat(language, options).format(time);
    });
}

function relativeTime(random: Random): Render {
  const unit = random.pick(['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const);
  const value = random.pick([-1, 1]) * random.integer(1, 60);
  return (language) =>
    (['always', 'auto'] as const).map((numeric) =>
      new Intl.RelativeTimeFormat(language, { numeric }).format(value, unit),
    );
}

function measure(random: Random): Render {
  const unit = random.pick([
    'kilometer',
    'meter',
    'kilogram',
    'liter',
    'celsius',
    'hour',
    'minute',
  ]);
  const value = random.integer(1, 3) === 1 ? random.integer(10, 999) / 10 : random.integer(2, 999);
  return (language) => [
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value),
  ];
}

/** One phrase, from a language to another, in a style of its own. */
function drawPhrase(random: Random, kind: Kind, from: Language, to: Language): Phrase {
  const render = kinds[kind](random);
  const [sources, targets] = [render(from).map(plain), render(to).map(plain)];
  const text = random.pick(sources);
  const answers = targets.filter((_, style) => sources[style] === text);
  return { kind, from, to, text, answers: [...new Set(answers)] };
}

/** `count` phrases of each kind in each of the 12 directions. */
export function drawPhrases(seed: number, count: number): Phrase[] {
  const random = new Random(seed);
  const phrases: Phrase[] = [];
  for (const from of languages) {
    for (const to of languages) {
      if (from === to) continue;
      for (const kind of Object.keys(kinds) as Kind[]) {
        for (let i = 0; i < count; i++) phrases.push(drawPhrase(random, kind, from, to));
      }
    }
  }
  return phrases;
}
