// Byte pair encoding: a subword vocabulary learned from word counts (Sennrich et al. 2016, section
// 3.2). The units are characters, not bytes.

export interface BytePairEncoding {
  /** The characters in the order of their code points, then merged tokens in the order learned. */
  readonly tokens: readonly string[];
  /** Pairs to join, the most important first. */
  readonly merges: readonly (readonly [string, string])[];
}

/** One word, as it is cut at present, with how often it occurs. */
interface Word {
  symbols: string[];
  readonly count: number;
}

/**
 * Joins the most frequent pair of neighbours inside words again and again, until there are `size`
 * tokens or no pair occurs twice. Of equally frequent pairs, the first in code unit order wins, so
 * the result hangs on the counts alone. `alphabet` adds characters that no word has. Words and
 * alphabet must not contain spaces.
 */
export function learnBytePairs(
  counts: ReadonlyMap<string, number>,
  alphabet: Iterable<string>,
  size: number,
): BytePairEncoding {
  const words: Word[] = [...counts].map(([word, count]) => ({ symbols: Array.from(word), count }));
  const characters = new Set([...alphabet, ...words.flatMap(({ symbols }) => symbols)]);
  const tokens = new Set(
    [...characters].toSorted((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)),
  );
  const merges: [string, string][] = [];
  while (tokens.size < size) {
    const best = mostFrequentPair(words);
    if (best === undefined) break;
    merges.push(best);
    tokens.add(best.join(''));
    for (const word of words) word.symbols = merged(word.symbols, best);
  }
  return { tokens: [...tokens], merges };
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const pairs = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1]} ${symbols[i]}`;
      pairs.set(pair, (pairs.get(pair) ?? 0) + count);
    }
  }
  let best = '';
  let bestCount = 1;
  for (const [pair, count] of pairs) {
    if (count > bestCount || (count === bestCount && best !== '' && pair < best)) {
      [best, bestCount] = [pair, count];
    }
  }
  return best === '' ? undefined : (best.split(' ') as [string, string]);
}

/** The symbols with each occurrence of the pair joined, from the left. */
function merged(symbols: readonly string[], [left, right]: readonly [string, string]): string[] {
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] ?? '';
    const joins = symbol === left && symbols[i + 1] === right;
    result.push(joins ? left + right : symbol);
    if (joins) i++;
  }
  return result;
}
