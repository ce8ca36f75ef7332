// Unicode's normalization forms (UAX 15) on texts that remember where they came from, in time that
// grows with the length of the text: engines sort the marks of one letter by insertion, so 100,000
// marks of two kinds would take them a quarter of a minute.

import type { AlignedText, Span } from './aligned-text.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Marks of one letter that engines may sort themselves; Unicode's own measure is 30. */
const fewMarks = 32;

const manyMarks = new RegExp(`[\\p{M}\\uff9e\\uff9f]{${fewMarks}}`, 'u');

/**
 * A Unicode normalization form. Characters that act on each other (a letter and its marks, the parts
 * of a Hangul syllable) are taken together; what they compose to belongs to the first of them.
 */
export function unicodeForm(text: AlignedText, form: UnicodeForm): AlignedText {
  if (!manyMarks.test(text.text) && text.text.normalize(form) === text.text) return text;
  return text.rewrite((put) => {
    let at = 0;
    for (const characters of clusters(text.text, form)) {
      const parts: { character: string; span: Span }[] = [];
      for (const given of characters) {
        const span: Span = [at, (at += given.length)];
        for (const character of given.normalize(form)) parts.push({ character, span });
      }
      const whole = Array.from(normalized(characters, form));
      const same = whole.every((character, i) => character === parts[i]?.character);
      whole.forEach((character, i) => {
        // Composed or reordered: the first takes the first place, the rest the last places.
        const from = same || i === 0 ? i : Math.max(0, parts.length - whole.length + i);
        put(character, parts[from]?.span ?? [at - 1, at]);
      });
    }
  });
}

/** Runs of characters that a normalization form does not treat one by one. */
function* clusters(text: string, form: UnicodeForm): Generator<readonly string[]> {
  let run: string[] = [];
  for (const character of text) {
    if (run.length > 0 && !joins(run, character, form)) {
      yield run;
      run = [];
    }
    run.push(character);
  }
  if (run.length > 0) yield run;
}

/** Whether a character may act on those before it. */
function joins(run: readonly string[], character: string, form: UnicodeForm): boolean {
  if (character < '\u0080' && /[^<=>]/.test(character)) return false;
  const own = character.normalize(form);
  // Voiced marks of half-width kana become marks by their form.
  if (/^\p{M}/u.test(character) || /^\p{M}/u.test(own)) return true;
  // What is no mark composes only with what stands directly before it: three parts of a syllable.
  const before = run.slice(-3).join('');
  return (before + character).normalize(form) !== before.normalize(form) + own;
}

/** The form of characters that act on each other; many marks are brought to their order before. */
function normalized(characters: readonly string[], form: UnicodeForm): string {
  if (characters.length <= fewMarks) return characters.join('').normalize(form);
  const parts = Array.from(characters, (one) => Array.from(one.normalize(apart[form]))).flat();
  return inOrder(parts).normalize(form);
}

const apart = { NFC: 'NFD', NFD: 'NFD', NFKC: 'NFKD', NFKD: 'NFKD' } as const;

/** Canonical order: marks between two letters by their class, those of one class as they stood. */
function inOrder(parts: readonly string[]): string {
  const kinds = [...new Set(parts)].filter(isMoved).toSorted(byClass);
  const classes = new Map<string, number>();
  let last = 0;
  kinds.forEach((mark, i) => {
    if (i > 0 && byClass(kinds[i - 1] ?? '', mark) !== 0) last++;
    classes.set(mark, last);
  });
  let ordered = '';
  let marks: string[][] = [];
  const finish = (): void => {
    ordered += marks.map((kind) => kind.join('')).join('');
    marks = [];
  };
  for (const part of parts) {
    const place = classes.get(part);
    if (place === undefined) {
      finish();
      ordered += part;
    } else (marks[place] ??= []).push(part);
  }
  finish();
  return ordered;
}

/** Whether two marks change places: the class of the first is greater, that of the second not zero. */
function swaps(first: string, second: string): boolean {
  return (first + second).normalize('NFD').startsWith(second) && first !== second;
}

function byClass(first: string, second: string): number {
  return Number(swaps(first, second)) - Number(swaps(second, first));
}

/** Marks that have a class: they move in front of the greatest one, or the least moves before them. */
function isMoved(mark: string): boolean {
  return swaps('\u0345', mark) || swaps(mark, '\u0334') || mark === '\u0345';
}
