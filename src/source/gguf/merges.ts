// The merges of a SentencePiece vocabulary, which its files do not list.

/** Two tokens that are a third one. */
interface Merge {
  readonly first: string;
  readonly second: string;
  /** How many letters they have. */
  readonly sizes: readonly [number, number];
  /** Of the third. */
  readonly score: number;
}

/**
 * Each way in which two tokens are a third one, best score first, and of equal scores the longest first parts. The
 * rest is the order of Hugging Face's conversion: by the ids of the thirds, then of the parts.
 */
export function mergesOf(
  tokens: readonly string[],
  scores: readonly number[],
): (readonly [string, string])[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: Merge[] = [];
  for (const [token, id] of ids) {
    const score = scores[id] ?? 0;
    const own: (Merge & { readonly ids: readonly [number, number] })[] = [];
    const letters = Array.from(token);
    let at = 0;
    for (const [i, letter] of letters.entries()) {
      at += letter.length;
      const [first, second] = [token.slice(0, at), token.slice(at)];
      const [a, b] = [ids.get(first), ids.get(second)];
      if (a === undefined || b === undefined) continue;
      own.push({ first, second, sizes: [i + 1, letters.length - i - 1], score, ids: [a, b] });
    }
    merges.push(...own.toSorted((x, y) => x.ids[0] - y.ids[0] || x.ids[1] - y.ids[1]));
  }
  merges.sort((x, y) => y.score - x.score || y.sizes[0] - x.sizes[0] || y.sizes[1] - x.sizes[1]);
  return merges.map(({ first, second }) => [first, second]);
}
