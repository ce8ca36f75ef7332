// What texts are made into for a new language model: byte pairs, the tokenizer of bytes that they make, rows end to end.
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { expect, test } from 'vitest';
import { learnBytePairs } from '../../../src/training/data/byte-pair-encoding.ts';
import { packedRows } from '../../../src/training/data/packed-rows.ts';
import { learnByteLevelTokenizer } from '../../../src/training/data/byte-level-tokenizer.ts';
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { Random } from '../../support/random.ts';
import { jsonFiles, memorySource } from '../../support/source.ts';

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

const texts = [
  'It was the best of times, it was the worst of times, it was the age of wisdom…',
  "It's 1859 –\n\nthe  age of foolishness; die Zeit des Unglaubens, 時代。",
];

test('a tokenizer of bytes has joined what occurs often, and reads and writes any text', async () => {
  const { tokenizer, config, size, endToken } = learnByteLevelTokenizer(texts, 270);
  expect([size, endToken]).toEqual([270, 269]);
  const files = jsonFiles({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': config });
  const own = await Tokenizer.load(memorySource(files), undefined);
  const theirs = new HuggingFaceTokenizer(tokenizer, config);
  expect(own.eosToken).toBe(endToken);
  for (const text of [...texts, ' the the\n', '\u0000 é\u{1F600}<|endoftext|>\t']) {
    const ids = own.encode(text);
    expect(ids).toEqual(theirs.encode(text).ids);
    expect(own.decode(ids)).toBe(text.replace('<|endoftext|>', ''));
  }
  // " the" stands there four times; no token spans two words.
  expect(own.encode(' the')).toHaveLength(1);
  expect([...own.vocabulary()].filter((token) => token.includes('Ġ', 1))).toEqual([]);
});

test('a tokenizer of bytes is smaller than asked where no pair occurs twice', () => {
  const { size, endToken } = learnByteLevelTokenizer(['abc'], 1000);
  expect([size, endToken]).toEqual([257, 256]);
});

test('packed rows take each token once in a pass, from another place in each, by the seed alone', () => {
  const tokens = [...Array(23).keys()];
  const row = packedRows(tokens, 5, 3);
  const passes = [0, 1, 2].map((pass) => [0, 1, 2, 3].map((i) => row(4 * pass + i)));
  for (const rows of passes) {
    expect(new Set(rows.flat()).size).toBe(20);
    for (const one of rows) {
      expect(one).toEqual(one.map((_, i) => (one[0]! + i) % 23));
    }
  }
  const starts = passes.map((rows) =>
    rows.map(([first = 0]) => first % 5).toSorted((a, b) => a - b),
  );
  expect(new Set(starts.map(String)).size).toBeGreaterThan(1);
  // Asked for again, out of their order, as a resumed run does.
  const again = packedRows(tokens, 5, 3);
  expect(again(9)).toEqual(row(9));
  expect([0, 1, 2, 3].map(packedRows(tokens, 5, 4))).not.toEqual(passes[0]);
});
