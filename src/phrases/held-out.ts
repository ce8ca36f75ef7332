// What training never draws, so that it can be asked for what it has not seen.

import { hash } from './hash.ts';
import type { Meaning } from './meanings.ts';

/**
 * True for one meaning in twenty, which is never drawn to train, in any language. The day alone decides for dates
 * with and without time, so that neither shows a day of the other that is held out. Values up to 2 are never held
 * out: they have words and forms of their own (tomorrow, 1 hour).
 */
export function isHeldOut(meaning: Meaning): boolean {
  if ('value' in meaning && Math.abs(meaning.value) <= 2) return false;
  return hash(Array.from(keyOf(meaning), (character) => character.codePointAt(0) ?? 0)) % 20 === 0;
}

function keyOf(meaning: Meaning): string {
  if (meaning.kind === 'date' || meaning.kind === 'dateWithTime') return dayOf(meaning.time);
  if (meaning.kind === 'measure' || meaning.kind === 'relativeTime') {
    return `${meaning.kind} ${meaning.value} ${meaning.unit}`;
  }
  return JSON.stringify(meaning);
}

/** A day as `2026-11-29`, of years after 9999 with more digits. */
function dayOf(time: Date): string {
  return time.toISOString().slice(0, -'T00:00:00.000Z'.length);
}
