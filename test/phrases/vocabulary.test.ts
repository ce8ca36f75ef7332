// The tokenizer of the phrases, as @huggingface/tokenizers reads it: exact, complete, short.
import { Tokenizer } from '@huggingface/tokenizers';
import { expect, test } from 'vitest';
import { narrowField } from '../../src/phrases/fields.ts';
import { type Meaning, render } from '../../src/phrases/meanings.ts';
import { batchAt, drawPhrases, unseenPhrases } from '../../src/phrases/phrases.ts';
import { buildTokenizer } from '../../src/phrases/vocabulary.ts';

const { kinds, languages } = narrowField;
const files = buildTokenizer();
const tokenizer = new Tokenizer({ ...files.tokenizer }, { ...files.config });
const encode = (text: string): number[] => tokenizer.encode(text).ids;
const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: true });
const tokens = (text: string): string[] => tokenizer.tokenize(text);
const unknown = 2;

/** Every word that Intl has for these phrases, in each language, with the numbers around plurals. */
function everyText(): string[] {
  const meanings: Meaning[] = [];
  for (let day = 0; day < 366; day++) {
    for (const minute of [65, 785]) {
      const time = new Date(Date.UTC(2026, 0, 1 + day, 0, minute));
      meanings.push({ kind: 'date', time }, { kind: 'dateWithTime', time });
    }
  }
  for (const value of [-60, -3, -2, -1, 0, 1, 2, 3, 60]) {
    for (const unit of ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] as const) {
      meanings.push({ kind: 'relativeTime', value, unit });
    }
  }
  for (const value of [1, 1.5, 2, 99.9, 999]) {
    for (const unit of ['kilometer', 'meter', 'kilogram', 'liter', 'celsius'] as const) {
      meanings.push({ kind: 'measure', value, unit });
    }
  }
  return meanings.flatMap((meaning) =>
    languages.flatMap((language) => render(meaning, language, narrowField.stylesOf(meaning.kind))),
  );
}

test('10,000 texts come back as they were, none of them with an unknown token', () => {
  const pairs = batchAt(1, 0, 5000).map(({ source, target }) => [
    source.replace(/^>>..<</, ''),
    target,
  ]);
  const texts = [...pairs.flat(), ...everyText()];
  expect(texts.filter((text) => decode(encode(text)) !== text)).toEqual([]);
  expect(texts.filter((text) => encode(text).includes(unknown))).toEqual([]);
});

test('plain text of any spacing comes back too', () => {
  const ascii = Array.from({ length: 0x7e - 0x20 + 1 }, (_, i) => String.fromCodePoint(0x20 + i));
  const texts = [
    ascii.join(''),
    ' two  spaces, and one at the end ',
    'l’été à 12:30',
    'x+y = 3 (z)',
  ];
  for (const text of [...ascii, ...texts]) {
    expect(decode(encode(text))).toBe(text);
    expect(encode(text)).not.toContain(unknown);
  }
  expect(encode('ツ')).toEqual([unknown, 1]);
});

test('special tokens have their fixed ids', () => {
  const names = ['<pad>', '</s>', '<unk>', '>>de<<', '>>en<<', '>>fr<<', '>>zh<<'];
  expect(names.map((name) => tokenizer.token_to_id(name))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(tokens('>>fr<<2 days ago')).toEqual(['>>fr<<', '2', '▁days', '▁ago']);
  expect(encode('>>fr<<2 days ago')).toHaveLength(5);
  expect(encode('2 days ago').at(-1)).toBe(1);
});

test('special spaces and letters in two parts count as the plain ones', () => {
  const plain = encode('12 kilomètres à 8:05 PM');
  expect(encode('12\u00a0kilome\u0300tres\u2007a\u0300\u20098:05\u202fPM')).toEqual(plain);
});

test('the vocabulary has the size asked for and hangs on nothing but its arguments', () => {
  expect([...tokenizer.get_vocab()].length).toBe(512);
  expect(buildTokenizer()).toEqual(files);
  const small = buildTokenizer(1, 300, 2000);
  const { vocab, merges } = small.tokenizer['model'] as { vocab: object; merges: unknown[] };
  const ids = Object.values(vocab) as number[];
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, id) => id));
  expect(merges.length).toBeGreaterThan(100);
});

test('digits stand alone, and no token spans words', () => {
  for (const token of tokenizer.get_vocab(false).keys()) {
    expect(token).toMatch(/^(?:[0-9]|\p{P}▁?|▁?\p{L}+|[^0-9])$/u);
  }
  expect(tokens('1:05 PM')).toEqual(['1', ':', '0', '5', '▁PM']);
  expect(tokens('21. November 2026')).toEqual([
    '2',
    '1',
    '.▁',
    'November',
    '▁',
    '2',
    '0',
    '2',
    '6',
  ]);
});

test('names of months, weekdays and units are single tokens', () => {
  const names = new Set<string>();
  for (let day = 0; day < 366; day += 5) {
    const time = new Date(Date.UTC(2026, 0, 1 + day));
    for (const language of ['de', 'en', 'fr'] as const) {
      const [full] = render({ kind: 'date', time }, language);
      for (const name of full!.match(/\p{L}+/gu)!) names.add(name);
    }
  }
  expect(names.size).toBeGreaterThanOrEqual(3 * 7 + 2 * 12);
  const pieces = new Set(
    everyText()
      .flatMap(tokens)
      .map((token) => token.replace('▁', '')),
  );
  expect([...names].filter((name) => !pieces.has(name))).toEqual([]);
  const units = ['kilometers', 'Grad', 'litres', 'seconds', 'Tagen', 'semaines', '公里', '秒钟前'];
  expect(units.filter((unit) => !pieces.has(unit))).toEqual([]);
});

test('phrases are short, those held out too', () => {
  for (const phrases of [drawPhrases(3, 20), unseenPhrases(3, 20)]) {
    const [date, dateWithTime, relativeTime, measure] = kinds.map((kind) => {
      const some = phrases.filter((phrase) => phrase.kind === kind);
      const lengths = some.map(({ to, text }) => encode(`>>${to}<<${text}`).length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(24);
      return lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    });
    expect(date).toBeLessThan(13);
    expect(dateWithTime).toBeLessThan(19);
    expect(relativeTime).toBeLessThan(8);
    expect(measure).toBeLessThan(8);
  }
});
