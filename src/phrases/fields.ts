// Which phrases a translator is asked for. A narrow field and a part of it train within minutes without a GPU; the wide
// one (wide-field.ts) is that of the translator that ships with the package.

import type { Random } from '../model/random.ts';
import type { Kind, Language, Meaning, TimeUnit } from './meanings.ts';

/** What training draws next: a kind of phrase, a drill, a relative time near now, or a text outside of the field. */
export type Turn = Kind | Drill | 'near' | 'outside';

/** Phrases of a part of a kind that is learned more slowly than the rest of it. */
export interface Drill {
  draw(random: Random): Meaning;
  /** Languages that they are in, but for what is translated into one of these; any by default. */
  readonly from?: readonly [Language, ...Language[]];
  /** Whether they are in the last style of the kind, which is the shortest one. */
  readonly isShort?: boolean;
}

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

/** Without the short ones. */
const longStyles = { date: 3, dateWithTime: 3, measure: 1 };

export const narrowTimeUnits: readonly TimeUnit[] = [
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'year',
];
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
