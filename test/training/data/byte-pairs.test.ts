// Byte pairs learned from counts of words.
import { expect, test } from 'vitest';
import { learnBytePairs } from '../../../src/training/data/byte-pair-encoding.ts';
import { Random } from '../../support/random.ts';

test('byte pairs are joined by how often they occur, ties by their text', () => {
  const counts = new Map([
    ['low_', 5],
    ['lower_', 2],
    ['newest_', 6],
    ['widest_', 3],
  ]);
  const { tokens: learned, merges } = learnBytePairs(counts, ['a'], 12 + 9);
  // Counted by hand: es and st 9 times, then est 9, est_ 9, lo 7, low 7, and ew, ne, w+est_ 6.
  const wanted = ['e s', 'es t', 'est _', 'l o', 'lo w', 'e w', 'ew est_', 'n ewest_', 'low _'];
  expect(merges.map((pair) => pair.join(' '))).toEqual(wanted);
  expect(learned).toEqual([
    ...Array.from('_adeilnorstw'),
    ...wanted.map((pair) => pair.replace(' ', '')),
  ]);
});

test('byte pairs stop where no pair occurs twice; repeats are joined from the left', () => {
  expect(learnBytePairs(new Map([['ab', 1]]), [], 100).merges).toEqual([]);
  const { merges } = learnBytePairs(
    new Map([
      ['aaa', 2],
      ['b', 9],
    ]),
    [],
    100,
  );
  expect(merges).toEqual([
    ['a', 'a'],
    ['aa', 'a'],
  ]);
});

test('drawn words come to the pairs that counting all of them anew before each join gives', () => {
  const random = new Random(5);
  for (let drawn = 0; drawn < 40; drawn++) {
    const word = (): string =>
      Array.from({ length: random.integer(1, 12) }, () => random.pick(['a', 'b', 'c'])).join('');
    const counts = new Map(Array.from({ length: 8 }, () => [word(), random.integer(1, 4)]));
    const { merges } = learnBytePairs(counts, [], Infinity);
    expect(merges.map((pair) => pair.join(' '))).toEqual(slowMerges(counts));
  }
});

/** All pairs of all words counted before each join. */
function slowMerges(counts: ReadonlyMap<string, number>): string[] {
  const words = [...counts].map(([word, count]) => ({ symbols: Array.from(word), count }));
  const merges: string[] = [];
  for (;;) {
    const pairs = new Map<string, number>();
    for (const { symbols, count } of words) {
      for (const [i, right] of symbols.entries()) {
        if (i === 0) continue;
        const pair = `${symbols[i - 1]} ${right}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const [best, count = 0] =
      [...pairs].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0] ?? [];
    if (best === undefined || count < 2) return merges;
    merges.push(best);
    for (const word of words) {
      const joined: string[] = [];
      for (let i = 0; i < word.symbols.length; i++) {
        const here = word.symbols[i]!;
        const isBest = `${here} ${word.symbols[i + 1]}` === best;
        joined.push(isBest ? here + word.symbols[i + 1]! : here);
        if (isBest) i++;
      }
      word.symbols = joined;
    }
  }
}
