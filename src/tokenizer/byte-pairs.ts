// Byte pair encoding (Sennrich et al. 2016): of all neighbours in a word, those merge first that come
// first in the list of merges, from left to right. Words may be as long as a text: candidates wait in
// a heap, so a word of n characters takes n log n steps.

import { show } from '../source/json.ts';

/** Cuts a word into tokens. */
export type CutWord = (word: string) => readonly string[];

/** Words of at most so many UTF-16 units are remembered with their tokens, so many at a time. */
const remembered = { units: 256, words: 10_000 };

/** Symbols and places that fit a number together with a rank or each other. */
const most = 2 ** 26;

/** `merges` of tokenizer.json: pairs, or texts with a space between. Errors: TypeError. */
export function bytePairs(merges: unknown, endOfWord: string): CutWord {
  const symbols = new Map<string, number>();
  const idOf = (symbol: string): number => {
    let id = symbols.get(symbol);
    if (id === undefined) symbols.set(symbol, (id = symbols.size));
    return id;
  };
  const ranks = new Map<number, number>();
  /** By rank, what a pair becomes. */
  const merged: number[] = [];
  for (const entry of Array.isArray(merges) ? (merges as unknown[]) : []) {
    const [left, right] = pairOf(entry);
    ranks.set(idOf(left) * most + idOf(right), merged.length);
    merged.push(idOf(left + right));
  }
  const cut = (word: string): string[] => {
    const parts = Array.from(word);
    if (parts.length > 0) parts[parts.length - 1] += endOfWord;
    return parts.length < 2 ? parts : mergeAll(parts, symbols, ranks, merged);
  };
  const known = new Map<string, readonly string[]>();
  return (word) => {
    if (word.length > remembered.units) return cut(word);
    const before = known.get(word);
    if (before !== undefined) return before;
    const tokens = cut(word);
    if (known.size >= remembered.words) known.clear();
    known.set(word, tokens);
    return tokens;
  };
}

function pairOf(entry: unknown): [string, string] {
  const parts: unknown = typeof entry === 'string' ? entry.split(' ', 2) : entry;
  const [left, right] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (typeof left === 'string' && typeof right === 'string') return [left, right];
  throw new TypeError(`its merges have ${show(entry)}; wanted two tokens`);
}

function mergeAll(
  parts: readonly string[],
  symbols: ReadonlyMap<string, number>,
  ranks: ReadonlyMap<number, number>,
  merged: readonly number[],
): string[] {
  const count = parts.length;
  /** -1: a character that no merge has, or one that stands in the symbol before. */
  const symbol = Int32Array.from(parts, (part) => symbols.get(part) ?? -1);
  /** Places of the symbols beside one; `count` and -1 beyond the ends. */
  const next = Int32Array.from(parts, (_, i) => i + 1);
  const previous = Int32Array.from(parts, (_, i) => i - 1);
  const rankAt = (place: number): number | undefined => {
    const [left = -1, right = -1] = [symbol[place], symbol[next[place] ?? count]];
    return left < 0 || right < 0 ? undefined : ranks.get(left * most + right);
  };
  const waiting = new Heap();
  const wait = (place: number): void => {
    const rank = rankAt(place);
    if (rank !== undefined) waiting.push(rank * most + place);
  };
  for (let place = 0; place < count; place++) wait(place);
  for (let first = waiting.pop(); first !== undefined; first = waiting.pop()) {
    const [place, rank] = [first % most, Math.floor(first / most)];
    // Neighbours may have merged since.
    if (rankAt(place) !== rank) continue;
    const gone = next[place] ?? count;
    const after = next[gone] ?? count;
    symbol[place] = merged[rank] ?? -1;
    symbol[gone] = -1;
    next[place] = after;
    if (after < count) previous[after] = place;
    wait(place);
    const before = previous[place] ?? -1;
    if (before >= 0) wait(before);
  }
  const tokens: string[] = [];
  for (let place = 0; place < count; place = next[place] ?? count) {
    tokens.push(parts.slice(place, next[place]).join(''));
  }
  return tokens;
}

/** Numbers of which the least comes out first. */
class Heap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] ?? 0;
      if (above <= item) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const [least] = items;
    const item = items.pop();
    if (item === undefined || items.length === 0) return least;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if ((items[child + 1] ?? Infinity) < (items[child] ?? 0)) child++;
      const below = items[child] ?? 0;
      if (below >= item) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
    return least;
  }
}
