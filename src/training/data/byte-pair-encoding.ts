// Byte pair encoding: a subword vocabulary learned from word counts (Sennrich et al. 2016, section
// 3.2). The units are characters, which may stand for bytes.

export interface BytePairEncoding {
  /** The characters in the order of their code points, then merged tokens in the order learned. */
  readonly tokens: readonly string[];
  /** Pairs to join, the most important first. */
  readonly merges: readonly (readonly [string, string])[];
}

/** One word, as it is cut at present, with how often it occurs. */
interface Word {
  symbols: readonly string[];
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
  const pairs = new Pairs(words);
  const merges: (readonly [string, string])[] = [];
  while (tokens.size < size) {
    const best = pairs.mostFrequent();
    if (best === undefined) break;
    merges.push(best);
    tokens.add(best.join(''));
    pairs.join(best);
  }
  return { tokens: [...tokens], merges };
}

/** How often a pair of neighbours occurs, and where. */
interface Occurrences {
  count: number;
  readonly words: Set<Word>;
}

/** The pairs of neighbours in words. A join counts those words anew that have the pair, and no others. */
class Pairs {
  /** By both symbols, with a space between them. */
  readonly #occurrences = new Map<string, Occurrences>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.#add(word);
  }

  /** Undefined where none occurs twice. */
  mostFrequent(): readonly [string, string] | undefined {
    let best = '';
    let most = 1;
    for (const [pair, { count }] of this.#occurrences) {
      if (count > most || (count === most && best !== '' && pair < best)) {
        [best, most] = [pair, count];
      }
    }
    return best === '' ? undefined : (best.split(' ') as [string, string]);
  }

  join(pair: readonly [string, string]): void {
    const { words = [] } = this.#occurrences.get(pair.join(' ')) ?? {};
    for (const word of words) {
      this.#remove(word);
      word.symbols = joined(word.symbols, pair);
      this.#add(word);
    }
  }

  #add(word: Word): void {
    for (const pair of pairsOf(word)) {
      const found = this.#occurrences.get(pair) ?? { count: 0, words: new Set() };
      this.#occurrences.set(pair, found);
      found.count += word.count;
      found.words.add(word);
    }
  }

  #remove(word: Word): void {
    for (const pair of pairsOf(word)) {
      const found = this.#occurrences.get(pair);
      if (found === undefined) continue;
      found.count -= word.count;
      found.words.delete(word);
      if (found.words.size === 0) this.#occurrences.delete(pair);
    }
  }
}

/** One for each two neighbours, so that what stands there twice counts twice. */
function pairsOf({ symbols }: Word): string[] {
  return symbols.slice(1).map((symbol, i) => `${symbols[i]} ${symbol}`);
}

/** The symbols with each occurrence of the pair joined, from the left. */
function joined(symbols: readonly string[], [left, right]: readonly [string, string]): string[] {
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] ?? '';
    const joins = symbol === left && symbols[i + 1] === right;
    result.push(joins ? left + right : symbol);
    if (joins) i++;
  }
  return result;
}
