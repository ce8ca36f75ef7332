// What else a text may mean within the field: nobody can tell which, so the answers to all of it are right.

import { durationUnits, type Meaning } from './meanings.ts';

/** Units whose sign stands for a great number in one language: "16 mi" in Portuguese, "190 B" in Spanish. */
const numbersLikeUnits = [
  ['mile', 1e6],
  ['byte', 1e12],
] as const;

/**
 * Meanings that some language writes as it writes this one in some style. In German "67.000" is a number and the short
 * one; durations are written as lists of measures in the languages that join both by "and", and short numbers as
 * measures in those where a unit has the same sign.
 */
export function alikeMeanings(meaning: Meaning): Meaning[] {
  if (meaning.kind === 'number') return compactOf(meaning.value);
  if (meaning.kind === 'compact') {
    const { value } = meaning;
    const measures = numbersLikeUnits.map(
      ([unit, number]) => ({ kind: 'measure', unit, value: value / number }) as const,
    );
    return [{ kind: 'number', value }, ...measures];
  }
  if (meaning.kind === 'measure') {
    const found = numbersLikeUnits.find(([unit]) => unit === meaning.unit);
    return found === undefined ? [] : compactOf(Math.round(meaning.value * found[1]));
  }
  if (meaning.kind === 'duration') {
    const items = meaning.parts.map(([value, unit]) => ({ kind: 'measure', value, unit }) as const);
    return [{ kind: 'list', type: 'conjunction', items }];
  }
  const isList = meaning.kind === 'list' && meaning.type === 'conjunction';
  return isList ? durationOf(meaning.items) : [];
}

/** A number as a short one, if that shows all of its digits in every language. */
function compactOf(value: number): Meaning[] {
  const showsAll = value >= 100 && Number(value.toPrecision(2)) === value;
  return showsAll ? [{ kind: 'compact', value }] : [];
}

/** Measures as a duration, if their units follow one on another. */
function durationOf(items: readonly Meaning[]): Meaning[] {
  const parts = items.flatMap((item) => {
    const unit = durationUnits.find((name) => item.kind === 'measure' && item.unit === name);
    return item.kind === 'measure' && unit !== undefined ? [[item.value, unit] as const] : [];
  });
  const first = durationUnits.findIndex((unit) => unit === parts[0]?.[1]);
  const follow = parts.every(([, unit], index) => unit === durationUnits[first + index]);
  return parts.length === items.length && follow ? [{ kind: 'duration', parts }] : [];
}
