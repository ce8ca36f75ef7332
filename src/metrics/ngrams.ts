// Words, n-grams and how many of them two texts share: what all overlap metrics count.

/** The information separators: Python's str.split() splits at them, Unicode's White_Space lacks them. */
const separators = '\\u001C-\\u001F';
const notSpace = new RegExp(`[^\\p{White_Space}${separators}]+`, 'gu');

/** How often each n-gram occurs. Keys are tokens joined by a space. */
export type NgramCounts = ReadonlyMap<string, number>;

/** The words between white space, which is what Python calls white space. */
export function splitWords(text: string): string[] {
  return text.match(notSpace) ?? [];
}

/** Counts the n-grams of one order (1 or more). Tokens must not hold spaces. */
export function countNgrams(tokens: readonly (string | number)[], order: number): NgramCounts {
  const counts = new Map<string, number>();
  for (let first = 0; first + order <= tokens.length; first++) {
    const ngram = tokens.slice(first, first + order).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** N-grams that both have: each counts as often as the one that has it less often. */
export function countShared(one: NgramCounts, other: NgramCounts): number {
  let shared = 0;
  for (const [ngram, count] of one) shared += Math.min(count, other.get(ngram) ?? 0);
  return shared;
}

/** The greatest count of each n-gram in any of the texts. */
export function greatestCounts(texts: readonly NgramCounts[]): NgramCounts {
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return only;
  const greatest = new Map<string, number>();
  for (const counts of texts) {
    for (const [ngram, count] of counts) {
      greatest.set(ngram, Math.max(count, greatest.get(ngram) ?? 0));
    }
  }
  return greatest;
}
